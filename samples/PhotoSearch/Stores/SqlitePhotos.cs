using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;

namespace PhotoSearch.Stores;

/// <summary>Photos in a file of SQLite, in this process; every search looks at all of them.</summary>
public sealed class SqlitePhotos(string connection, string name, int dimensions, IEmbeddingGenerator generator)
    : PhotoCollection(name, dimensions, generator)
{
    // A quoted name in SQL.
    private readonly string _table = $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public override async Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) =>
        await ScalarAsync("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1", Name,
            cancellationToken) is not null;

    public override Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default) =>
        ScalarAsync($"CREATE TABLE IF NOT EXISTS {_table} (path TEXT PRIMARY KEY, vector BLOB NOT NULL)", null,
            cancellationToken);

    public override Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default) =>
        ScalarAsync($"DROP TABLE IF EXISTS {_table}", null, cancellationToken);

    public override Task DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        ScalarAsync($"DELETE FROM {_table} WHERE path = $1", key, cancellationToken);

    protected override async Task<bool> ContainsAsync(string path, CancellationToken token) =>
        await ScalarAsync($"SELECT 1 FROM {_table} WHERE path = $1", path, token) is not null;

    protected override async Task WriteAsync(IReadOnlyList<(string Path, float[] Vector)> photos,
        CancellationToken token)
    {
        await using var opened = await OpenAsync(token);
        await using var transaction = opened.BeginTransaction();
        foreach (var (path, vector) in photos)
        {
            await using var command = opened.CreateCommand();
            command.CommandText = $"INSERT OR REPLACE INTO {_table} VALUES ($1, $2)";
            command.Parameters.AddWithValue("$1", path);
            command.Parameters.AddWithValue("$2", MemoryMarshal.AsBytes(vector.AsSpan()).ToArray());
            await command.ExecuteNonQueryAsync(token);
        }
        await transaction.CommitAsync(token);
    }

    protected override async IAsyncEnumerable<(string Path, double Similarity)> NearestAsync(
        float[] vector, int count, [EnumeratorCancellation] CancellationToken token)
    {
        await using var opened = await OpenAsync(token);
        await using var command = opened.CreateCommand();
        command.CommandText = $"SELECT path, vector FROM {_table}";
        // The farthest of the nearest is the first to go.
        var nearest = new PriorityQueue<(string Path, float Similarity), float>();
        await using (var rows = await command.ExecuteReaderAsync(token))
        {
            while (await rows.ReadAsync(token))
            {
                var stored = MemoryMarshal.Cast<byte, float>((byte[])rows[1]);
                if (stored.Length != vector.Length)
                {
                    throw new InvalidDataException(
                        $"The embedding of '{rows.GetString(0)}' has {stored.Length} values, the encoder gives "
                            + $"{vector.Length}: the store is another encoder's.");
                }
                float similarity = TensorPrimitives.Dot(vector, stored);
                if (nearest.Count < count) nearest.Enqueue((rows.GetString(0), similarity), similarity);
                else nearest.EnqueueDequeue((rows.GetString(0), similarity), similarity);
            }
        }
        foreach (var (path, similarity) in nearest.UnorderedItems.Select(item => item.Element)
            .OrderByDescending(item => item.Similarity))
            yield return (path, similarity);
    }

    private async Task<SqliteConnection> OpenAsync(CancellationToken token)
    {
        var opened = new SqliteConnection(connection);
        await opened.OpenAsync(token);
        return opened;
    }

    private async Task<object?> ScalarAsync(string sql, string? value, CancellationToken token)
    {
        await using var opened = await OpenAsync(token);
        await using var command = opened.CreateCommand();
        command.CommandText = sql;
        if (value is not null) command.Parameters.AddWithValue("$1", value);
        return await command.ExecuteScalarAsync(token);
    }
}
