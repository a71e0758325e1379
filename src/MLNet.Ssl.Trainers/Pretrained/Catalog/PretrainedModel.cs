namespace MLNet.Ssl;

/// <summary>A published network: where its weights are, what they are, and under which terms
/// (<see cref="PretrainedModels"/> lists those that are known).</summary>
public sealed record PretrainedModel
{
    /// <summary>Its name, such as <c>dinov2_vits14</c>; letters, digits, and <c>_ - . /</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The same weights as they are published, the first being what is downloaded. All are looked for in
    /// caches, in this order.</summary>
    public required IReadOnlyList<PretrainedFile> Files { get; init; }

    /// <summary>Licence of the weights.</summary>
    public required string License { get; init; }

    /// <summary>Where the weights are given to who accepts their terms.</summary>
    /// <value>Default null: they are downloaded freely. Otherwise <see cref="PretrainedModels.Download"/> refuses, and
    /// names licence and place.</value>
    public string? AskAt { get; init; }

    /// <summary>The architecture in words, such as "ViT-S/14".</summary>
    public string Architecture { get; init; } = "";

    /// <summary>Width of the embedding; 0 where it is not known.</summary>
    public int EmbeddingDimension { get; init; }

    /// <summary>What the authors do to an image before the network sees it.</summary>
    /// <value>Default null: as <see cref="PretrainedOptions.Preprocessing"/> says.</value>
    public ImagePreprocessing? Preprocessing { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Options with the network's preprocessing, where they have none and no size.</summary>
    internal PretrainedOptions Complete(PretrainedOptions? options)
    {
        options ??= new();
        return options.ImageSize is null && options.Preprocessing is null
            ? options with { Preprocessing = Preprocessing }
            : options;
    }

    /// <summary>Checks every part.</summary>
    /// <exception cref="ArgumentException">The message names the part, its value and what is allowed.</exception>
    internal void Validate()
    {
        if (string.IsNullOrEmpty(Name) || Name.Split('/').Any(part => part is "" or "." or "..")
            || !Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/'))
        {
            throw new ArgumentException(
                $"{nameof(Name)} is '{Name}'; expected letters, digits, '_', '-', '.' and '/'.", nameof(Name));
        }
        ArgumentException.ThrowIfNullOrEmpty(License);
        ArgumentNullException.ThrowIfNull(Files);
        if (Files.Count == 0) throw new ArgumentException($"{nameof(Files)} of '{Name}' is empty.", nameof(Files));
        foreach (var file in Files) file.Validate();
        Preprocessing?.Validate();
    }
}
