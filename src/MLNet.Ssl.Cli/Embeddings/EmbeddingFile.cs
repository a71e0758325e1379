using MLNet.Ssl.Files;
using Parquet;
using Parquet.Schema;

namespace MLNet.Ssl.Cli.Embeddings;

/// <summary>Rows with their embeddings.</summary>
/// <param name="Keys">Their keys.</param>
/// <param name="Labels">Their labels; null where none has one.</param>
/// <param name="Values">Their embeddings, one after the other.</param>
internal sealed record EmbeddedRows(IReadOnlyList<string> Keys, IReadOnlyList<string?>? Labels, float[] Values);

/// <summary>Embeddings as a Parquet file of the columns key, label (where there are labels) and embedding, a list of
/// floats.</summary>
internal static class EmbeddingFile
{
    public const string Key = "key", Label = "label", Embedding = "embedding";

    private const int RowsPerGroup = 65_536;

    /// <summary>Writes a file, whole or not at all.</summary>
    public static void Write(string path, EmbeddedRows rows, EmbeddingHeader header) =>
        AtomicFile.Write(path, stream => WriteAsync(stream, rows, header).GetAwaiter().GetResult());

    private static async Task WriteAsync(Stream stream, EmbeddedRows rows, EmbeddingHeader header)
    {
        var key = new DataField<string>(Key, nullable: false);
        var label = new DataField<string>(Label, nullable: true);
        var element = new DataField<float>("element", nullable: false);
        var embedding = new ListField(Embedding, element);
        ParquetSchema schema = rows.Labels is null ? new(key, embedding) : new(key, label, embedding);
        // Parquet.Net flushes a stream when it is done; the file is the caller's.
        await using var writer = await ParquetWriter.CreateAsync(schema, stream);
        writer.CustomMetadata = new Dictionary<string, string> { [EmbeddingHeader.Key] = header.Write() };
        int dimension = header.Dimension;
        for (int start = 0; start == 0 || start < rows.Keys.Count; start += RowsPerGroup)
        {
            int count = Math.Min(RowsPerGroup, rows.Keys.Count - start);
            using var group = writer.CreateRowGroup();
            await group.WriteAsync(key, [.. rows.Keys.Skip(start).Take(count)]);
            if (rows.Labels is not null) await group.WriteAsync(label, [.. rows.Labels.Skip(start).Take(count)!]);
            var (definition, repetition) = (new int[count * dimension], new int[count * dimension]);
            Array.Fill(definition, element.MaxDefinitionLevel);
            for (int i = 0; i < repetition.Length; i++) repetition[i] = i % dimension == 0 ? 0 : 1;
            await group.WriteAllPartsAsync<float>(element, rows.Values.AsMemory(start * dimension, count * dimension),
                definition,
                repetition, default);
        }
    }
}
