using System.Text.Json;
using System.Text.Json.Serialization;

namespace MLNet.Ssl.Cli.Embeddings;

/// <summary>What a Parquet file of embeddings says of itself in its metadata.</summary>
/// <param name="Model">Tells the model from another one.</param>
/// <param name="Data">Tells the data from other data: a hash of all keys in their order.</param>
/// <param name="Dimension">Width of the embeddings.</param>
/// <param name="Rows">Rows of all shards.</param>
/// <param name="Shards">Number of shards.</param>
/// <param name="Shard">This file's shard, from 0.</param>
/// <param name="Parts">Files of this shard.</param>
/// <param name="Part">This file among them, from 0.</param>
/// <param name="FirstRow">Its first row.</param>
/// <param name="EndRow">The row after its last.</param>
/// <param name="Skipped">Rows in between that could not be read and are left out.</param>
internal sealed record EmbeddingHeader(string Model, string Data, int Dimension, int Rows, int Shards, int Shard,
    int Parts, int Part,
    int FirstRow, int EndRow, IReadOnlyList<int> Skipped)
{
    /// <summary>The metadata's key.</summary>
    public const string Key = "mlnet-ssl.embeddings";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    };

    /// <summary>The file's name: shards and parts are numbered from 0, as launchers number their processes.</summary>
    public string FileName => $"shard-{Shard:00000}-of-{Shards:00000}-part-{Part:00000}-of-{Parts:00000}.parquet";

    /// <summary>What begins the names of a shard's files.</summary>
    public static string Prefix(int shard) => $"shard-{shard:00000}-";

    public string Write() => JsonSerializer.Serialize(this, Json);

    /// <summary>The header of a file; null where another program wrote it.</summary>
    /// <exception cref="InvalidDataException">The header is damaged.</exception>
    public static EmbeddingHeader? Read(ParquetTable table, string path)
    {
        if (!table.Metadata.TryGetValue(Key, out var text)) return null;
        try
        {
            var header = JsonSerializer.Deserialize<EmbeddingHeader>(text, Json)
                ?? throw new InvalidDataException("it is empty.");
            bool sound = header.Shards >= 1 && header.Shard >= 0 && header.Shard < header.Shards && header.Part >= 0
                && header.Part < header.Parts && header.FirstRow >= 0 && header.FirstRow <= header.EndRow
                    && header.EndRow <= header.Rows
                && header.EndRow - header.FirstRow - header.Skipped.Count == table.Rows
                && header.Skipped.Distinct().Count(row => row >= header.FirstRow
                    && row < header.EndRow) == header.Skipped.Count;
            return sound ? header : throw new InvalidDataException($"its numbers do not fit each other: {text}");
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            throw new InvalidDataException($"'{path}' has a damaged header ({Key}): {e.Message}", e);
        }
    }

    /// <summary>The first thing that makes a file part of another set than this one; null if none does.</summary>
    public string? Difference(EmbeddingHeader other)
    {
        if (Model != other.Model) return "model";
        if (Data != other.Data || Rows != other.Rows) return "data";
        if (Dimension != other.Dimension) return "width of the embeddings";
        return Shards != other.Shards ? $"number of shards ({other.Shards}, and not {Shards})" : null;
    }
}
