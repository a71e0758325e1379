namespace MLNet.Ssl;

/// <summary>A row of an <see cref="EmbeddingIndex"/> that is like a query.</summary>
/// <param name="Row">Number of the row, in the order rows were added.</param>
/// <param name="Key">The row's key, such as the path of its image.</param>
/// <param name="Similarity">Cosine similarity to the query, from −1 to 1.</param>
public readonly record struct Neighbor(int Row, string Key, float Similarity);
