namespace MLNet.Ssl;

/// <summary>
/// What to do with an image that cannot be read: its file is missing or damaged, it has too many pixels, or the row has
/// none.
/// </summary>
public enum OnUnreadableImage
{
    /// <summary>An exception that names it.</summary>
    Throw,

    /// <summary>The row is left out, and a warning in the log names it and counts.</summary>
    Skip,
}
