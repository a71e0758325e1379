using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>What the library's documentation says of an option: the help of its flag.</summary>
internal static partial class DocComments
{
    private static readonly ConcurrentDictionary<Assembly, IReadOnlyDictionary<string, XElement>> Files = new();

    /// <summary>The sentences of what it is, and of its default and range; empty where there are none.</summary>
    public static (string Summary, string Value) Of(MemberInfo member)
    {
        var type = member.DeclaringType!;
        string kind = member is PropertyInfo ? "P:" : "M:";
        var documented = Files.GetOrAdd(type.Assembly, Read)
            .GetValueOrDefault($"{kind}{type.FullName!.Replace('+', '.')}.{member.Name}");
        return (Text(documented?.Element("summary")), Text(documented?.Element("value")));
    }

    /// <summary>Up to the end of the first sentence.</summary>
    public static string FirstSentence(string text)
    {
        int end = text.IndexOf(". ", StringComparison.Ordinal);
        return end < 0 ? text : text[..(end + 1)];
    }

    private static Dictionary<string, XElement> Read(Assembly assembly)
    {
        string path = Path.Combine(AppContext.BaseDirectory, $"{assembly.GetName().Name}.xml");
        var members = new Dictionary<string, XElement>(StringComparer.Ordinal);
        if (!File.Exists(path)) return members;
        foreach (var member in XDocument.Load(path).Descendants("member"))
            members[(string?)member.Attribute("name") ?? ""] = member;
        return members;
    }

    private static string Text(XElement? element)
    {
        if (element is null) return "";
        var text = new StringBuilder();
        Add(element);
        return Spaces().Replace(text.ToString(), " ").Trim();

        void Add(XElement parent)
        {
            foreach (var node in parent.Nodes())
            {
                if (node is XText plain) text.Append(plain.Value);
                if (node is not XElement inner) continue;
                string? named = (string?)inner.Attribute("cref") ?? (string?)inner.Attribute("name");
                if (named is null || inner.Nodes().Any()) Add(inner);
                else text.Append(named.Split('(')[0].Split('.', ':')[^1]);
            }
        }
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
