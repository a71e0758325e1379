namespace MLNet.Ssl.Reports;

/// <summary>What the colours of attention maps mean, as a line of a page.</summary>
internal static class HeatScale
{
    /// <summary>The line.</summary>
    public const string Html = """
        <p class="heat">least attention <i></i> largest of the head</p>
        """;

    /// <summary>Its style.</summary>
    public static string Css { get; } = $$"""
        .heat {
          display: flex; align-items: center; gap: .6rem; margin: .75rem 0;
          font-size: .8rem; color: var(--quiet); white-space: nowrap;
        }
        .heat i {
          flex: 0 1 12rem; height: .6rem; border: 1px solid var(--line); border-radius: 1rem;
          background: linear-gradient(to right, {{Colours}});
        }
        """;

    private static string Colours => string.Join(", ", AttentionOverlay.Heat
        .Select(colour => $"rgb({colour.Red}, {colour.Green}, {colour.Blue})"));
}
