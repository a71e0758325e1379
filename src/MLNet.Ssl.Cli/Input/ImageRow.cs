namespace MLNet.Ssl.Cli.Input;

/// <summary>A row of images as ML.NET sees it: the path of a file, which is decoded when the image is wanted.</summary>
internal sealed class ImageRow
{
    public const string Column = nameof(Image), LabelColumn = nameof(Label), Embedding = "Embedding";

    public string Image { get; set; } = "";

    public string Label { get; set; } = "";
}

/// <summary>Likewise with the bytes of a file.</summary>
internal sealed class ImageBytesRow
{
    public const string PlaceColumn = nameof(Place);

    public byte[]? Image { get; set; }

    public string Label { get; set; } = "";

    /// <summary>What messages call the row.</summary>
    public string Place { get; set; } = "";
}
