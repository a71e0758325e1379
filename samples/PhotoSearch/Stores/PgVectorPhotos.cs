using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Npgsql;
using Pgvector;

namespace PhotoSearch.Stores;

/// <summary>Photos in a PostgreSQL database with the extension vector.</summary>
public sealed class PgVectorPhotos : PhotoCollection
{
    private readonly NpgsqlDataSource _source;
    private readonly string _table;

    public PgVectorPhotos(string connection, string name, int dimensions, IEmbeddingGenerator generator)
        : base(name, dimensions, generator)
    {
        var builder = new NpgsqlDataSourceBuilder(connection);
        builder.UseVector();
        _source = builder.Build();
        _table = $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    public override async Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) =>
        await ScalarAsync("SELECT 1 FROM pg_tables WHERE schemaname = current_schema AND tablename = $1", Name,
            cancellationToken) is not null;

    public override async Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default)
    {
        await ScalarAsync("CREATE EXTENSION IF NOT EXISTS vector", null, cancellationToken);
        // The type is of the extension, which may not have been there when the source was opened.
        await _source.ReloadTypesAsync(cancellationToken);
        await ScalarAsync($"CREATE TABLE IF NOT EXISTS {_table} (path text PRIMARY KEY, vector vector({Dimensions}) "
            + "NOT NULL)", null, cancellationToken);
    }

    public override Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default) =>
        ScalarAsync($"DROP TABLE IF EXISTS {_table}", null, cancellationToken);

    public override Task DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        ScalarAsync($"DELETE FROM {_table} WHERE path = $1", key, cancellationToken);

    protected override async Task<bool> ContainsAsync(string path, CancellationToken token) =>
        await ScalarAsync($"SELECT 1 FROM {_table} WHERE path = $1", path, token) is not null;

    protected override async Task WriteAsync(IReadOnlyList<(string Path, float[] Vector)> photos,
        CancellationToken token)
    {
        await using var batch = _source.CreateBatch();
        foreach (var (path, vector) in photos)
        {
            batch.BatchCommands.Add(new(
                $"INSERT INTO {_table} VALUES ($1, $2) ON CONFLICT (path) DO UPDATE SET vector = EXCLUDED.vector")
            {
                Parameters = { new() { Value = path }, new() { Value = new Vector(vector) } },
            });
        }
        await batch.ExecuteNonQueryAsync(token);
    }

    protected override async IAsyncEnumerable<(string Path, double Similarity)> NearestAsync(
        float[] vector, int count, [EnumeratorCancellation] CancellationToken token)
    {
        await using var command = _source.CreateCommand(
            $"SELECT path, 1 - (vector <=> $1) FROM {_table} ORDER BY vector <=> $1 LIMIT $2");
        command.Parameters.Add(new() { Value = new Vector(vector) });
        command.Parameters.Add(new() { Value = count });
        await using var rows = await command.ExecuteReaderAsync(token);
        while (await rows.ReadAsync(token)) yield return (rows.GetString(0), rows.GetDouble(1));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _source.Dispose();
        base.Dispose(disposing);
    }

    private async Task<object?> ScalarAsync(string sql, string? value, CancellationToken token)
    {
        await using var command = _source.CreateCommand(sql);
        if (value is not null) command.Parameters.Add(new() { Value = value });
        return await command.ExecuteScalarAsync(token);
    }
}
