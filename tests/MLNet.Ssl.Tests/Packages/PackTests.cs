using System.Diagnostics;
using System.IO.Compression;
using System.Reflection;
using System.Reflection.Metadata;
using System.Text;
using System.Xml.Linq;

namespace MLNet.Ssl.Tests;

/// <summary>The packages hold what they should, and a program that has nothing but them embeds images.</summary>
public sealed class PackTests : IDisposable
{
    private static readonly string[] Libraries =
        ["MLNet.Ssl.Trainers", "MLNet.Ssl", "MLNet.Ssl.Reports", "MLNet.Ssl.Onnx", "MLNet.Ssl.AI"];

    private static readonly string Configuration =
        typeof(PackTests).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;

    // The kind of what a portable PDB says of where its sources are.
    private static readonly Guid SourceLink = new("CC110556-A091-4D38-9FEC-25AB9A351A6A");

    // And that of a source that stands in it.
    private static readonly Guid EmbeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheyAreWholeAndAFreshProgramEmbedsWithThem()
    {
        string feed = Directory.CreateDirectory(_folder.File("feed")).FullName;
        foreach (string library in Libraries)
        {
            // What the tests run on is packed, without another build.
            var (code, output) = Dotnet(Path.Combine(Golden.RepositoryRoot, "src", library), "pack", "--no-build", "-c",
                Configuration, "-o", feed);
            Assert.True(code == 0, output);
        }
        var (version, torch) = CheckPackages(feed);

        string program = Directory.CreateDirectory(_folder.File("program")).FullName;
        WriteProgram(program, feed, version, torch);
        var restored = Dotnet(program, "restore");
        // Own packages that are not found are an error; a feed for the others that is out of reach is not ours.
        bool isOurs = restored.Output.Contains("package MLNet.Ssl", StringComparison.Ordinal);
        Assert.SkipWhen(restored.Code != 0 && !isOurs, $"no restore is possible here: {LastLine(restored.Output)}");
        Assert.True(restored.Code == 0, restored.Output);
        var (built, log) = Dotnet(program, "build", "--no-restore", "-c", "Release");
        Assert.True(built == 0, log);
        var (ran, text) = Dotnet(program, Path.Combine("bin", "Release", "net10.0", "Program.dll"));
        Assert.True(ran == 0 && text.Contains("embedding of 32 values", StringComparison.Ordinal), text);
        // It has not the package that ml.Model.Save needs, and is told so.
        Assert.Contains("EmbeddingTransformer cannot be saved by ml.Model.Save: the package MLNet.Ssl.Onnx", text);
    }

    /// <summary>The packages' version, and that of TorchSharp which they need.</summary>
    private static (string Version, string Torch) CheckPackages(string feed)
    {
        string? version = null, torch = null;
        foreach (string library in Libraries)
        {
            string path = Assert.Single(Directory.GetFiles(feed, $"{library}.*.nupkg"), file => IsOf(file, library));
            using var package = ZipFile.OpenRead(path);
            var names = package.Entries.Select(entry => entry.FullName).ToHashSet();
            Assert.Contains("README.md", names);
            Assert.Contains($"lib/net10.0/{library}.dll", names);
            Assert.Contains($"lib/net10.0/{library}.xml", names);
            Assert.DoesNotContain(names, name => name.Contains("TorchSharp", StringComparison.Ordinal)
                || name.EndsWith(".so", StringComparison.Ordinal));
            using (var documents = package.GetEntry($"lib/net10.0/{library}.xml")!.Open())
                Assert.NotEmpty(XDocument.Load(documents).Descendants("member"));

            var metadata = Metadata(package, library);
            string Text(string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;
            Assert.Equal(library, Text("id"));
            Assert.Equal("MIT", Text("license"));
            Assert.Equal("README.md", Text("readme"));
            Assert.Equal("icon.png", Text("icon"));
            Assert.Contains("icon.png", names);
            Assert.NotEmpty(Text("description"));
            Assert.Equal(version ??= Text("version"), Text("version"));
            var dependencies = metadata.Descendants().Where(element => element.Name.LocalName == "dependency")
                .ToDictionary(element => element.Attribute("id")!.Value, element =>
                    element.Attribute("version")!.Value);
            // A package needs those below it in its own version, and never the native half of
            // TorchSharp, which the user chooses.
            string[] own = library switch
            {
                "MLNet.Ssl" => ["MLNet.Ssl.Trainers"],
                "MLNet.Ssl.Trainers" => [],
                _ => ["MLNet.Ssl"]
            };
            Assert.Equal(own, dependencies.Keys.Where(id => id.StartsWith("MLNet", StringComparison.Ordinal)));
            foreach (string id in own) Assert.Equal(version, dependencies[id]);
            Assert.DoesNotContain(dependencies.Keys, id => id.StartsWith("TorchSharp-", StringComparison.Ordinal)
                || id.Contains("Analyzers", StringComparison.Ordinal) || id is "MinVer" or "Grpc.Tools");
            if (library is "MLNet.Ssl.Trainers" or "MLNet.Ssl") torch = dependencies["TorchSharp"];
            if (library == "MLNet.Ssl") Assert.Contains("Microsoft.ML", dependencies.Keys);

            CheckSymbols(Path.ChangeExtension(path, ".snupkg"), library,
                metadata.Elements().SingleOrDefault(element => element.Name.LocalName == "repository"));
        }
        return (version!, torch!);
    }

    /// <summary>Debuggers find the sources: by a link to the commit where the repository is on a host that has them,
    /// generated ones in the symbols, and never by the folder that they were built in.</summary>
    private static void CheckSymbols(string path, string library, XElement? repository)
    {
        using var symbols = ZipFile.OpenRead(path);
        using var bytes = new MemoryStream();
        using (var packed = symbols.GetEntry($"lib/net10.0/{library}.pdb")!.Open()) packed.CopyTo(bytes);
        bytes.Position = 0;
        using var pdb = MetadataReaderProvider.FromPortablePdbStream(bytes);
        var reader = pdb.GetMetadataReader();
        string NameOf(DocumentHandle handle) => reader.GetString(reader.GetDocument(handle).Name);
        var notes = reader.CustomDebugInformation.Select(reader.GetCustomDebugInformation)
            .ToLookup(note => reader.GetGuid(note.Kind));
        string[] sources = [.. reader.Documents.Select(NameOf)];
        Assert.NotEmpty(sources);
        string address = repository?.Attribute("url")?.Value ?? "";
        string commit = repository?.Attribute("commit")?.Value ?? "";
        var links = notes[SourceLink].Select(note => Encoding.UTF8.GetString(reader.GetBlobBytes(note.Value)));
        Assert.Equal(address.Contains("github.com", StringComparison.Ordinal), links.Any());
        if (Path.Exists(Path.Combine(Golden.RepositoryRoot, ".git"))) Assert.Matches("^[0-9a-f]{40}$", commit);
        if (Configuration != "Release") return;

        const string Root = "/_/";
        Assert.All(sources, source => Assert.StartsWith(Root, source, StringComparison.Ordinal));
        var embedded = notes[EmbeddedSource].Select(note => NameOf((DocumentHandle)note.Parent));
        Assert.All(sources.Except(embedded), source =>
            Assert.True(File.Exists(Path.Combine(Golden.RepositoryRoot, source[Root.Length..])), source));
        Assert.All(sources, source => Assert.Equal(
            source.Contains("/obj/", StringComparison.Ordinal), embedded.Contains(source)));
        string files = (address.EndsWith(".git", StringComparison.Ordinal) ? address[..^4] : address)
            .Replace("github.com", "raw.githubusercontent.com");
        Assert.All(links, link => Assert.Equal(
            $$$"""{"documents":{"{{{Root}}}*":"{{{files}}}/{{{commit}}}/*"}}""", link));
    }

    private static bool IsOf(string file, string library) =>
        char.IsAsciiDigit(Path.GetFileName(file)[library.Length + 1]);

    private static XElement Metadata(ZipArchive package, string library)
    {
        using var stream = package.GetEntry($"{library}.nuspec")!.Open();
        return XDocument.Load(stream).Root!.Elements().Single(element => element.Name.LocalName == "metadata");
    }

    private void WriteProgram(string folder, string feed, string version, string torch)
    {
        // Packages of others come from where the build has them; the ones under test go to a folder of their own.
        string others = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="under-test" value="{feed}" /></packageSources>
              <fallbackPackageFolders><add key="others" value="{others}" /></fallbackPackageFolders>
              <config><add key="globalPackagesFolder" value="{_folder.File("packages")}" /></config>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(folder, "Program.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <UseCurrentRuntimeIdentifier>true</UseCurrentRuntimeIdentifier>
                <AppendRuntimeIdentifierToOutputPath>false</AppendRuntimeIdentifierToOutputPath>
                <SelfContained>false</SelfContained>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="MLNet.Ssl.Reports" Version="{version}" />
                <PackageReference Include="MLNet.Ssl" Version="{version}" />
                <PackageReference Include="TorchSharp-cpu" Version="{torch}" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), """
            using Microsoft.ML;
            using Microsoft.ML.Data;
            using Microsoft.ML.Transforms.Image;
            using MLNet.Ssl;

            var ml = new MLContext(seed: 1);
            var rows = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 8).Select(i => new Row
            {
                Image = MLImage.CreateFromPixels(16, 16, MLPixelFormat.Rgba32, [.. Enumerable.Range(0, 1024).Select(j => (byte)(i * j))]),
            }));
            var report = new PretrainReport();
            var options = new SimClrOptions
            {
                Backbone = new ResNetOptions { BlocksPerStage = [1], Width = 32, Stem = ResNetStem.Small },
                Epochs = 1,
                BatchSize = 4,
                Progress = report,
            };
            using var encoder = ml.SelfSupervised().Pretrain("Embedding", "Image", options).Fit(rows);
            report.Write("report.html");
            Console.WriteLine($"embedding of {encoder.Transform(rows).GetColumn<float[]>("Embedding").First().Length} values");
            try { ml.Model.Save(encoder, rows.Schema, "model.zip"); }
            catch (NotSupportedException e) { Console.WriteLine(e.Message); }

            internal sealed class Row
            {
                [ImageType(16, 16)]
                public MLImage Image { get; set; } = null!;
            }
            """);
    }

    private static (int Code, string Output) Dotnet(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
            ?? "dotnet")
        { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        // What the runner of the tests sets for its own build is not for these.
        foreach (string name in start.Environment.Keys.Where(name =>
            name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    private static string LastLine(string output) =>
        output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .LastOrDefault(line => line.Contains("error", StringComparison.Ordinal)) ?? "";
}
