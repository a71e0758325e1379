namespace MLNet.Ssl;

/// <summary>A file of weights that is published under an address.</summary>
/// <param name="Address">Where it is: an address of http or https, or <c>hf://owner/name/file</c> for a file of a
/// repository on Hugging Face. An index (<c>….safetensors.index.json</c>) stands for the files that it names, which are
/// beside it.</param>
public sealed record PretrainedFile(string Address)
{
    internal const string HuggingFaceScheme = "hf";

    /// <summary>Its size.</summary>
    /// <value>Default null: not known here, the server's word is taken.</value>
    public long? Bytes { get; init; }

    /// <summary>The SHA-256 of its bytes as hexadecimal digits, or their beginning.</summary>
    /// <value>Default null: not known here. The first download pins it: a later one must be the same.</value>
    public string? Sha256 { get; init; }

    /// <summary>Name of the file, the last part of its address.</summary>
    public string Name => Location.Segments[^1];

    internal Uri Location => new(Address);

    internal bool IsOnHuggingFace => Location.Scheme == HuggingFaceScheme;

    internal bool IsIndex => Name.EndsWith(".safetensors.index.json", StringComparison.OrdinalIgnoreCase);

    /// <summary>The file of this name beside it.</summary>
    internal PretrainedFile Beside(string name) =>
        new(Address.Split('?')[0] is var path ? path[..(path.LastIndexOf('/') + 1)] + name : "");

    /// <summary>The repository on Hugging Face, owner/name. An address would lose the owner's capitals.</summary>
    internal string Repository => string.Join('/', Address.Split('/')[2..4]);

    internal string PathInRepository => string.Join('/', Address.Split('/')[4..]);

    /// <summary>Checks every part.</summary>
    /// <exception cref="ArgumentException">The message names the part, its value and what is allowed.</exception>
    internal void Validate()
    {
        if (!Uri.TryCreate(Address, UriKind.Absolute, out var address) || !HasFile(address))
        {
            throw new ArgumentException(
                $"{nameof(Address)} is '{Address}'; expected https://…/file, http://…/file or hf://owner/name/file.",
                nameof(Address));
        }
        if (Bytes < 1)
        {
            throw new ArgumentOutOfRangeException(
                nameof(Bytes), Bytes, $"{nameof(Bytes)} is {Bytes}; it must be at least 1.");
        }
        if (Sha256 is { } hash && (hash.Length is < 8 or > 64 || !hash.All(char.IsAsciiHexDigit)))
        {
            throw new ArgumentException(
                $"{nameof(Sha256)} is '{hash}'; expected 8 to 64 hexadecimal digits.", nameof(Sha256));
        }
    }

    // A name that is one of a file, and no way out of its folder.
    private static bool HasFile(Uri address) =>
        address.Segments[^1] is [not ('/' or '.'), ..] name && !name.EndsWith('/') && !name.Contains('%')
        && address.Scheme switch
        {
            "http" or "https" => true,
            HuggingFaceScheme => address.Segments.Length >= 3,
            _ => false,
        };
}
