using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using Microsoft.ML;
using Microsoft.ML.TorchSharp;
using Microsoft.ML.TorchSharp.AutoFormerV2;

namespace MLNet.Ssl.Tests;

/// <summary>
/// Microsoft.ML.TorchSharp, which is compiled against TorchSharp 0.102.7, beside this library in one process on the
/// TorchSharp of this library. docs/microsoft-ml-torchsharp.md says what its users meet.
/// </summary>
public class MicrosoftMLTorchSharpTests
{
    private static readonly Assembly Theirs = typeof(TorchSharpCatalog).Assembly;

    /// <summary>What it calls that is not there, and who calls it.</summary>
    private static readonly string[] Missing =
    [
        "TorchSharp.torch+nn+functional.interpolate in Microsoft.ML.TorchSharp.AutoFormerV2.AutoFormerV2Block.forward",
        "TorchSharp.torch+nn+functional.interpolate in Microsoft.ML.TorchSharp.AutoFormerV2.FPN.forward",
    ];

    [Fact]
    public void ItsEstimatorsAreMadeInOneProcessWithOurs()
    {
        var ml = new MLContext(1);
        var view = ml.View(TestImages.Rows(4));
        // Ours first, so that libtorch is loaded and has computed.
        using var ours = ml.SelfSupervised().Pretrain(options: TestImages.Untrained).Fit(view);
        Assert.Equal(16, ml.Embeddings(ours.Transform(view))[0].Embedding.Length);
        object[] trainers =
        [
            ml.MulticlassClassification.Trainers.TextClassification(),
            ml.Regression.Trainers.SentenceSimilarity(),
            ml.MulticlassClassification.Trainers.NamedEntityRecognition(),
            ml.MulticlassClassification.Trainers.QuestionAnswer(),
            ml.MulticlassClassification.Trainers.ObjectDetection(),
        ];
        Assert.All(trainers, trainer => Assert.Same(Theirs, trainer.GetType().Assembly));
        // One TorchSharp serves both.
        var loaded =
            Assert.Single(AppDomain.CurrentDomain.GetAssemblies(), assembly => assembly.GetName().Name == "TorchSharp");
        Assert.Same(typeof(TorchSharp.torch).Assembly, loaded);
    }

    [Fact]
    public void EveryMemberOfTorchSharpThatItBindsToExistsButThoseListed()
    {
        using var file = new PEReader(File.OpenRead(Theirs.Location));
        var metadata = file.GetMetadataReader();
        var members = metadata.MemberReferences.Where(handle =>
            IsOfTorchSharp(metadata, metadata.GetMemberReference(handle).Parent)).ToList();
        Assert.InRange(members.Count, 300, 400);
        var missing = members.Where(handle => !Binds(handle))
            .ToDictionary(handle => MetadataTokens.GetToken(handle), handle => Name(metadata, handle));
        var callers = from typeHandle in metadata.TypeDefinitions
                      from methodHandle in metadata.GetTypeDefinition(typeHandle).GetMethods()
                      let method = metadata.GetMethodDefinition(methodHandle)
                      where method.RelativeVirtualAddress != 0
                      from token in Tokens(file.GetMethodBody(method.RelativeVirtualAddress).GetILReader())
                      where missing.ContainsKey(token)
                      let type = Theirs.ManifestModule.ResolveType(MetadataTokens.GetToken(typeHandle))
                      select $"{missing[token]} in {type}.{metadata.GetString(method.Name)}";
        var found = callers.Distinct().Order().ToList();
        Assert.Equal(Missing, found);
        // None of them is called from nowhere.
        Assert.Equal(missing.Values.Distinct().Order(), found.Select(line => line.Split(" in ")[0]).Distinct());
    }

    [Fact]
    public void WhatCallsAMissingMemberThrows()
    {
        using var pyramid = new FPN([8, 8, 8], 8, 8);
        Assert.Contains("interpolate", Assert.Throws<MissingMethodException>(() => pyramid.forward([])).Message);
    }

    [Fact]
    public void EveryTypeOfItLoads() => Assert.NotEmpty(Theirs.GetTypes());

    /// <summary>By the runtime's own rules: name, signature and inheritance.</summary>
    private static bool Binds(MemberReferenceHandle handle)
    {
        // Stand for the type parameters of generic callers, which are those of tensors' elements.
        var open = Enumerable.Repeat(typeof(int), 8).ToArray();
        try
        {
            return Theirs.ManifestModule.ResolveMember(MetadataTokens.GetToken(handle), open, open) is not null;
        }
        catch (Exception e) when (e is MissingMemberException or TypeLoadException)
        {
            return false;
        }
    }

    /// <summary>Whatever may be a token of a member in the code; other bytes that look like one would show up as a
    /// caller that is not listed.</summary>
    private static IEnumerable<int> Tokens(BlobReader code)
    {
        byte[] bytes = code.ReadBytes(code.Length);
        return Enumerable.Range(0, Math.Max(0, bytes.Length - 3)).Select(at => BitConverter.ToInt32(bytes, at));
    }

    private static string Name(MetadataReader metadata, MemberReferenceHandle handle)
    {
        var member = metadata.GetMemberReference(handle);
        var type = Theirs.ManifestModule.ResolveType(MetadataTokens.GetToken(member.Parent));
        return $"{type}.{metadata.GetString(member.Name)}";
    }

    private static bool IsOfTorchSharp(MetadataReader metadata, EntityHandle type)
    {
        if (type.Kind == HandleKind.TypeSpecification)
        {
            var signature =
                metadata.GetBlobReader(metadata.GetTypeSpecification((TypeSpecificationHandle)type).Signature);
            if (signature.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return false;
            signature.ReadByte();
            return IsOfTorchSharp(metadata, signature.ReadTypeHandle());
        }
        if (type.Kind != HandleKind.TypeReference) return false;
        var scope = metadata.GetTypeReference((TypeReferenceHandle)type).ResolutionScope;
        if (scope.Kind == HandleKind.TypeReference) return IsOfTorchSharp(metadata, scope);
        return scope.Kind == HandleKind.AssemblyReference
            && metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)scope).Name) == "TorchSharp";
    }
}
