using System.Text.RegularExpressions;
using Mono.Cecil;

namespace MLNet.Ssl.Tests;

/// <summary>
/// Which folder of a project uses which, as its compiled assembly says: types come from the sources, references from
/// signatures, attributes and code.
/// </summary>
internal sealed partial class FolderGraph
{
    private readonly Dictionary<string, string> _folders = [];
    private readonly Dictionary<(string From, string To), SortedSet<string>> _uses = [];
    private readonly ModuleDefinition _module;

    private FolderGraph(string project)
    {
        Project = project;
        _module = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, $"{project}.dll"));
        ReadSources(Path.Combine(Golden.RepositoryRoot, "src", project));
        foreach (var type in _module.Types.Where(type => FolderOf(type) is not null)) Walk(type);
    }

    public string Project { get; }

    /// <summary>Folders below the project, "Evaluation/Knn" for one in another and "" for the project's own.</summary>
    public IEnumerable<string> Folders => _folders.Values.Distinct().Order();

    /// <summary>Top types and the folders in which their source stands.</summary>
    public IEnumerable<(TypeDefinition Type, string Folder)> Types =>
        _module.Types.Where(type => FolderOf(type) is not null).Select(type => (type, FolderOf(type)!));

    /// <summary>
    /// Pairs of folders of which the first uses the second, with the types that do, as "User → Used".
    /// </summary>
    public IReadOnlyDictionary<(string From, string To), SortedSet<string>> Uses => _uses;

    public static FolderGraph Read(string project) => new(project);

    /// <summary>
    /// The uses that are part of a circle between folders, a line each; those with the fewest types come first, for
    /// they are the likely mistakes.
    /// </summary>
    public IEnumerable<string> Circles()
    {
        var reached = Folders.ToDictionary(folder => folder, Reach);
        return _uses.Where(use => reached[use.Key.To].Contains(use.Key.From)).OrderBy(use => use.Value.Count)
            .Select(use => Line(use.Key));
    }

    /// <summary>A use as a line of a message.</summary>
    public string Line((string From, string To) use) =>
        $"{Project}: {use.From} uses {use.To}: {string.Join(", ", _uses[use])}";

    private HashSet<string> Reach(string folder)
    {
        HashSet<string> reached = [];
        Stack<string> open = new([folder]);
        while (open.TryPop(out string? next))
            foreach (var (_, to) in _uses.Keys.Where(use => use.From == next))
                if (reached.Add(to))
                    open.Push(to);
        return reached;
    }

    private void ReadSources(string root)
    {
        foreach (string file in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
        {
            string folder = Path.GetDirectoryName(Path.GetRelativePath(root, file))!.Replace('\\', '/');
            if (folder.Split('/')[0] is "obj" or "bin") continue;
            string text = File.ReadAllText(file), space = Namespace().Match(text).Groups[1].Value;
            foreach (Match type in TopType().Matches(text)) _folders[$"{space}.{type.Groups[1].Value}"] = folder;
        }
    }

    private string? FolderOf(TypeReference? type)
    {
        if (type is null) return null;
        while (type.DeclaringType is { } outer) type = outer;
        return _folders.GetValueOrDefault($"{type.Namespace}.{type.Name.Split('`')[0]}");
    }

    private void Walk(TypeDefinition type)
    {
        Use(type, type.BaseType);
        foreach (var implemented in type.Interfaces) Use(type, implemented.InterfaceType);
        Use(type, type);
        foreach (var field in type.Fields) Member(type, field, field.FieldType);
        foreach (var property in type.Properties) Member(type, property, property.PropertyType);
        foreach (var raised in type.Events) Member(type, raised, raised.EventType);
        foreach (var method in type.Methods) Walk(type, method);
        foreach (var nested in type.NestedTypes) Walk(nested);
        Attributes(type, type);
        Constraints(type, type);
    }

    private void Walk(TypeDefinition type, MethodDefinition method)
    {
        Member(type, method, method.ReturnType);
        Constraints(type, method);
        foreach (var parameter in method.Parameters)
        {
            Use(type, parameter.ParameterType);
            Attributes(type, parameter);
        }

        if (!method.HasBody) return;
        foreach (var variable in method.Body.Variables) Use(type, variable.VariableType);
        foreach (var handler in method.Body.ExceptionHandlers) Use(type, handler.CatchType);
        foreach (var instruction in method.Body.Instructions) Operand(type, instruction.Operand);
    }

    private void Operand(TypeDefinition type, object operand)
    {
        switch (operand)
        {
            case MethodReference called:
                Use(type, called.DeclaringType);
                Use(type, called.ReturnType);
                if (called is GenericInstanceMethod generic)
                    foreach (var argument in generic.GenericArguments) Use(type, argument);
                break;
            case FieldReference field:
                Use(type, field.DeclaringType);
                Use(type, field.FieldType);
                break;
            case TypeReference named:
                Use(type, named);
                break;
        }
    }

    private void Member(TypeDefinition type, ICustomAttributeProvider member, TypeReference of)
    {
        Use(type, of);
        Attributes(type, member);
    }

    private void Attributes(TypeDefinition type, ICustomAttributeProvider member)
    {
        foreach (var attribute in member.CustomAttributes) Use(type, attribute.AttributeType);
    }

    private void Constraints(TypeDefinition type, IGenericParameterProvider generic)
    {
        foreach (var constraint in generic.GenericParameters.SelectMany(parameter => parameter.Constraints))
            Use(type, constraint.ConstraintType);
    }

    private void Use(TypeDefinition user, TypeReference? used)
    {
        if (used is GenericInstanceType generic)
            foreach (var argument in generic.GenericArguments)
                Use(user, argument);
        if (used is TypeSpecification part)
        {
            Use(user, part.ElementType);
            return;
        }

        if (FolderOf(user) is not { } from || FolderOf(used) is not { } to || from == to) return;
        if (!_uses.TryGetValue((from, to), out var types)) _uses[(from, to)] = types = [];
        types.Add($"{Outermost(user)} → {Outermost(used!)}");
    }

    private static string Outermost(TypeReference type)
    {
        while (type.DeclaringType is { } outer) type = outer;
        return type.Name.Split('`')[0];
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^(?:\w+ )*?(?:record struct|record|class|struct|enum|interface|delegate [\w<>\[\]?, ]+?) (\w+)",
        RegexOptions.Multiline)]
    private static partial Regex TopType();
}
