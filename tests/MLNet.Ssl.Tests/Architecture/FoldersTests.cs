using System.Runtime.CompilerServices;
using Mono.Cecil;

namespace MLNet.Ssl.Tests;

/// <summary>
/// A folder is a concept and a namespace, and folders use each other in one direction; ARCHITECTURE.md shows which.
/// </summary>
public class FoldersTests
{
    public static TheoryData<string> Projects =>
        new(Directory.EnumerateDirectories(Path.Combine(Golden.RepositoryRoot, "src"))
            .Select(folder => Path.GetFileName(folder)).Order());

    [Theory, MemberData(nameof(Projects))]
    public void FoldersUseEachOtherInOneDirection(string project) => AssertNone(FolderGraph.Read(project).Circles());

    [Theory, MemberData(nameof(Projects))]
    public void EveryTypeIsInTheNamespaceOfItsFolder(string project)
    {
        var graph = FolderGraph.Read(project);
        Assert.NotEmpty(graph.Types);
        var astray = graph.Types.Where(of => !NamespacesOf(project, of.Folder).Contains(of.Type.Namespace))
            .Select(of => $"{of.Type.FullName}: {string.Join(" or ", NamespacesOf(project, of.Folder))}");
        AssertNone(astray);
    }

    [Theory, MemberData(nameof(Projects))]
    public void EveryWrittenTypeIsFoundInTheSources(string project)
    {
        using var module = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, $"{project}.dll"));
        var found = FolderGraph.Read(project).Types.Select(of => of.Type.FullName).ToHashSet();
        var unknown = module.Types.Where(type => !found.Contains(type.FullName) && !IsGenerated(type))
            .Select(type => type.FullName);
        AssertNone(unknown);
    }

    /// <summary>
    /// The tables of ARCHITECTURE.md name every folder below its project, and one that uses another stands below it.
    /// </summary>
    [Theory, MemberData(nameof(Projects))]
    public void ArchitectureShowsTheFoldersInTheirOrder(string project)
    {
        var graph = FolderGraph.Read(project);
        var folders = graph.Folders.Select(Top).Where(folder => folder != "").Distinct().ToList();
        if (folders.Count == 0) return;
        var rows = Table(project);
        Assert.Equal(folders.Order(), rows.Order());
        var upward = graph.Uses.Keys.Where(use => Top(use.From) != "" && Top(use.To) != "")
            .Where(use => rows.IndexOf(Top(use.From)) < rows.IndexOf(Top(use.To)));
        AssertNone(upward.Select(graph.Line));
    }

    /// <summary>First cells of the table whose head is "src/project".</summary>
    private static List<string> Table(string project) =>
        [.. File.ReadLines(Path.Combine(Golden.RepositoryRoot, "ARCHITECTURE.md"))
            .SkipWhile(line => !line.StartsWith($"| src/{project} |", StringComparison.Ordinal))
            .TakeWhile(line => line.StartsWith('|')).Skip(2).Select(line => line.Split('|')[1].Trim())];

    private static string Top(string folder) => folder.Split('/')[0];

    private static IEnumerable<string> NamespacesOf(string project, string folder)
    {
        yield return "MLNet.Ssl";
        if (folder == "") yield return project;
        // A library's namespaces are the product's, a program's its own.
        else yield return $"{(project == "MLNet.Ssl.Cli" ? project : "MLNet.Ssl")}.{Top(folder)}";
        // Extensions of MLContext, as ML.NET's own are.
        if (folder == "Catalogs") yield return "Microsoft.ML";
    }

    private static bool IsGenerated(TypeDefinition type) =>
        type.Name.StartsWith('<') || type.Namespace.StartsWith("System", StringComparison.Ordinal)
            || type.Namespace.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal)
        || type.CustomAttributes.Any(attribute => attribute.AttributeType.Name is nameof(CompilerGeneratedAttribute))
        || type.Interfaces.Any(of => of.InterfaceType.Namespace == "Google.Protobuf")
        || type.Name.EndsWith("Reflection", StringComparison.Ordinal);

    private static void AssertNone(IEnumerable<string> faults)
    {
        string message = string.Join('\n', faults);
        Assert.True(message.Length == 0, message);
    }
}
