using System.Reflection;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Emit;

namespace MLNet.Ssl.Tests;

/// <summary>
/// The snippets of a page as one program, in their order: what one defines the next may use, and no name may mean two
/// things. Errors and exceptions name the lines of the page.
/// </summary>
internal static class PageProgram
{
    // What a console project has without saying so.
    private const string ImplicitUsings = "global using System; global using System.Collections.Generic; global using "
        + "System.IO; global using System.Linq; global using System.Net.Http; global using System.Threading; global "
        + "using System.Threading.Tasks;";

    private const string Fence = "```";

    /// <summary>Every snippet of C# with the number of its first line.</summary>
    public static IReadOnlyList<(int Line, string Code)> Snippets(string markdown)
    {
        var snippets = new List<(int, string)>();
        string[] lines = markdown.Split('\n');
        for (int line = 0; line < lines.Length; line++)
        {
            if (!lines[line].StartsWith(Fence, StringComparison.Ordinal)) continue;
            int end = Array.FindIndex(lines, line + 1, l => l.StartsWith(Fence, StringComparison.Ordinal));
            if (lines[line].Trim() == Fence + "csharp")
                snippets.Add((line + 2, string.Join('\n', lines[(line + 1)..end])));
            line = end;
        }
        return snippets;
    }

    /// <summary>Compiles the page as a user would, who has the packages and sees what is public.</summary>
    /// <param name="name">Name of the page.</param>
    /// <param name="markdown">The page.</param>
    /// <param name="before">Code that the page takes for granted.</param>
    /// <param name="after">Code that looks at what the snippets made.</param>
    /// <param name="change">What becomes of each snippet before: shorter runs.</param>
    /// <param name="assembly">The file that receives the program.</param>
    public static void Compile(string name, string markdown, string before, string after, Func<string, string> change,
        string assembly)
    {
        var snippets = Snippets(markdown).Select(snippet => (Page: name, snippet.Line, Code: change(snippet.Code)));
        var (usings, statements, types) = (new StringBuilder(), new StringBuilder(), new StringBuilder());
        foreach (var (page, line, code) in snippets.Prepend(("before", 1, before)).Append(("after", 1, after)))
        {
            var root = CSharpSyntaxTree.ParseText(code).GetCompilationUnitRoot();
            foreach (var directive in root.Usings) Add(usings, directive);
            foreach (var member in root.Members) Add(member is GlobalStatementSyntax ? statements : types, member);

            void Add(StringBuilder part, SyntaxNode node) => part.Append(
                $"#line {line + node.GetLocation().GetLineSpan().StartLinePosition.Line} \"{page}\"\n{node}\n");
        }
        var options = new CSharpParseOptions(LanguageVersion.Latest);
        SyntaxTree[] trees =
        [
            CSharpSyntaxTree.ParseText(ImplicitUsings, options, "usings.cs", Encoding.UTF8),
            CSharpSyntaxTree.ParseText($"{usings}{statements}{types}", options, "page.cs", Encoding.UTF8),
        ];
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create(Path.GetFileNameWithoutExtension(assembly), trees, references,
            new(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));
        using var file = File.Create(assembly);
        var result =
            compilation.Emit(file, options: new EmitOptions(debugInformationFormat: DebugInformationFormat.Embedded));
        // A page shows no warnings either; packages of other versions than referenced are none of its own.
        var told = result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error
            || (d.Severity == DiagnosticSeverity.Warning
                && d.Id is not ("CS1701" or "CS1702" or "CS8019" or "CS0219")));
        Assert.True(result.Success && !told.Any(), string.Join('\n', told));
    }

    /// <summary>Runs a compiled page in this process, whose folder is the page's.</summary>
    public static int Run(string assembly)
    {
        Assembly.LoadFrom(assembly).EntryPoint!.Invoke(null, [Array.Empty<string>()]);
        return 0;
    }
}
