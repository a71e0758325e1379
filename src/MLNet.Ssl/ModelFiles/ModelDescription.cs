namespace MLNet.Ssl.ModelFiles;

/// <summary>model.json: what a model file says of itself.</summary>
/// <param name="Format">Always <see cref="FormatName"/>.</param>
/// <param name="FormatVersion">Version of this format.</param>
/// <param name="LibraryVersion">Version of the library that wrote it.</param>
/// <param name="Model">The transformer.</param>
/// <param name="Schema">The input's columns, if they were given.</param>
/// <param name="Entries">Every other entry of the archive.</param>
internal sealed record ModelDescription(
    string Format, int FormatVersion, string LibraryVersion, SavedPart Model, SavedSchema? Schema,
        IReadOnlyDictionary<string, ModelDescription.Entry> Entries)
{
    public const string FormatName = "MLNet.Ssl.Model", EntryName = "model.json";

    /// <summary>
    /// The version that is written; all up to it are read. A change of the format adds one, and a file of the version
    /// before to the tests.
    /// </summary>
    public const int CurrentVersion = 1;

    /// <param name="Length">Bytes.</param>
    /// <param name="Sha256">SHA-256 of them, in hexadecimal digits.</param>
    internal sealed record Entry(long Length, string Sha256);
}
