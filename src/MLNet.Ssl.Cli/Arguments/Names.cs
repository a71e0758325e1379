using System.Text.Json;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>Names of the library as a command line has them.</summary>
internal static class Names
{
    /// <summary>Such as "learning-rate" of LearningRate.</summary>
    public static string Kebab(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name);

    /// <summary>What names are compared by: letters and digits, whatever their case.</summary>
    public static string Plain(string name) =>
        string.Concat(name.Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant));

    public static bool Same(string a, string b) => Plain(a) == Plain(b);

    /// <summary>The name of a record without its ending, such as "SimClr" of SimClrOptions.</summary>
    public static string OfRecord(Type type) =>
        type.Name.EndsWith("Options", StringComparison.Ordinal) ? type.Name[..^7] : type.Name;

    /// <summary>The known names that are most like one that is not known; none where none is like it.</summary>
    public static IReadOnlyList<string> Like(string name, IEnumerable<string> known)
    {
        string plain = Plain(name);
        return [.. known.Select(other => (Name: other, Distance: Distance(plain, Plain(other))))
            .Where(other => other.Distance <= Math.Max(1, plain.Length / 3)).OrderBy(other => other.Distance).Take(3)
            .Select(other => other.Name)];
    }

    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int next = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                (diagonal, row[j]) = (row[j], next);
            }
        }
        return row[^1];
    }
}
