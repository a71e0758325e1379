using System.Globalization;
using System.IO.Compression;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Compat.Tests;

/// <summary>Code that compiles here compiles against the real packages: compat has nothing public that they lack.</summary>
public class SurfaceTests
{
    [Theory]
    [InlineData("TorchSharp", "TorchSharp.0.102.7-and-0.107.0.txt.gz")]
    [InlineData("Microsoft.ML", "Microsoft.ML.5.0.0.txt.gz")]
    [InlineData("Microsoft.ML.ImageAnalytics", "Microsoft.ML.5.0.0.txt.gz")]
    public void EveryPublicMember_ExistsInTheRealLibrary(string assembly, string list)
    {
        var known = Read(list);
        var surface = Surface.Of(Assembly.Load(assembly)).Distinct().ToList();
        var extra = surface.Where(l => !known.Contains(l)).ToList();
        Assert.True(extra.Count == 0, $"{extra.Count} of {surface.Count} lines are not in {list}:\n{string.Join('\n', extra.Order(StringComparer.Ordinal))}");
        Assert.NotEmpty(surface);
    }

    [Fact]
    public void ANameThatTheListLacks_IsReported() =>
        Assert.Contains("Compat.Tests.SurfaceTests :: System.Void ANameThatTheListLacks_IsReported()", Surface.Of(typeof(SurfaceTests).Assembly));

    private static HashSet<string> Read(string list, [CallerFilePath] string here = "")
    {
        string path = Path.Combine(Path.GetDirectoryName(here)!, "..", "api", list);
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
    }

    /// <summary>One line a public or protected member, with parameter names and defaults; an override adds nothing to the member it overrides.</summary>
    private static class Surface
    {
        private const BindingFlags Declared =
            BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

        public static IEnumerable<string> Of(Assembly assembly) => assembly.GetTypes().Where(Visible).SelectMany(Of);

        private static IEnumerable<string> Of(Type type)
        {
            string kind = type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct"
                : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
                : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : type.IsSealed ? "sealed class" : "class";
            string self = Name(type);
            yield return $"{kind} {self}";
            if (type.BaseType is { } b && kind.EndsWith("class") && b != typeof(object)) yield return $"{self} : {Name(b)}";
            foreach (var i in type.GetInterfaces().Where(Visible)) yield return $"{self} : {Name(i)}";
            if (kind == "delegate")
            {
                yield return $"{self} :: {Signature(type.GetMethod("Invoke")!)}";
                yield break;
            }
            foreach (var member in type.GetMembers(Declared))
                if (Text(member) is { } text) yield return $"{self} :: {text}";
        }

        private static string? Text(MemberInfo member) => member switch
        {
            FieldInfo f when Visible((MethodAttributes)f.Attributes) && !f.IsSpecialName =>
                (f.IsLiteral ? "const " : f.IsStatic ? "static " : "") + $"{Name(f.FieldType)} {f.Name}"
                + (f.IsLiteral ? " = " + Literal(f.GetRawConstantValue()) : ""),
            ConstructorInfo c when Visible(c.Attributes) && !c.IsStatic => Signature(c),
            PropertyInfo p when Accessors(p) is { Length: > 0 } accessors =>
                (p.GetAccessors(true)[0].IsStatic ? "static " : "") + $"{Name(p.PropertyType)} {p.Name}"
                + (p.GetIndexParameters().Length > 0 ? "[" + Parameters(p.GetIndexParameters()) + "]" : "") + $" {{ {accessors}}}",
            EventInfo e when e.AddMethod is { } add && Visible(add.Attributes) => $"event {Name(e.EventHandlerType!)} {e.Name}",
            MethodInfo m when Visible(m.Attributes) && (!m.IsSpecialName || m.Name.StartsWith("op_")) && m.GetBaseDefinition() == m => Signature(m),
            _ => null,
        };

        private static bool Visible(Type t) => t.IsNested
            ? (t.IsNestedPublic || t.IsNestedFamily || t.IsNestedFamORAssem) && Visible(t.DeclaringType!)
            : t.IsPublic;

        // Fields and methods code accessibility alike.
        private static bool Visible(MethodAttributes a) =>
            (a & MethodAttributes.MemberAccessMask) is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem;

        private static string Accessors(PropertyInfo p) =>
            (p.GetMethod is { } g && Visible(g.Attributes) ? "get; " : "") + (p.SetMethod is { } s && Visible(s.Attributes) ? "set; " : "");

        private static string Signature(MethodBase m)
        {
            string access = m.IsPublic ? "" : "protected ";
            string modifier = m.DeclaringType!.IsInterface ? "" : m.IsStatic ? "static " : m.IsAbstract ? "abstract "
                : m is { IsVirtual: true, IsFinal: false } ? "virtual " : "";
            string generics = m.IsGenericMethod ? "<" + string.Join(", ", m.GetGenericArguments().Select(a => a.Name)) + ">" : "";
            string head = m is MethodInfo method ? $"{Name(method.ReturnType)} {m.Name}{generics}" : "new";
            return $"{access}{modifier}{head}({Parameters(m.GetParameters())})";
        }

        private static string Parameters(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(p =>
            (p.IsDefined(typeof(ParamArrayAttribute), false) ? "params " : "") + (p.IsOut ? "out " : p.ParameterType.IsByRef ? "ref " : "")
            + Name(p.ParameterType.IsByRef ? p.ParameterType.GetElementType()! : p.ParameterType) + " " + p.Name
            + (p.HasDefaultValue ? " = " + Literal(p.RawDefaultValue) : "")));

        private static string Literal(object? value) => value switch
        {
            null or Missing => "null",
            string s => $"\"{s}\"",
            bool b => b ? "true" : "false",
            IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };

        private static string Name(Type t)
        {
            if (t.IsGenericParameter) return t.Name;
            if (t.IsArray) return Name(t.GetElementType()!) + "[" + new string(',', t.GetArrayRank() - 1) + "]";
            if (t.IsPointer) return Name(t.GetElementType()!) + "*";
            if (t.IsByRef) return "ref " + Name(t.GetElementType()!);
            if (Nullable.GetUnderlyingType(t) is { } underlying) return Name(underlying) + "?";
            string prefix = t.IsNested ? "" : t.Namespace is { Length: > 0 } ns ? ns + "." : "";
            var own = t.GetGenericArguments();
            if (t.IsNested)
            {
                int outer = t.DeclaringType!.GetGenericArguments().Length;
                prefix = Name(outer > 0 && t.IsConstructedGenericType ? t.DeclaringType.MakeGenericType(own[..outer]) : t.DeclaringType) + ".";
                own = own[outer..];
            }
            return prefix + t.Name.Split('`')[0] + (own.Length > 0 ? "<" + string.Join(", ", own.Select(Name)) + ">" : "");
        }
    }
}
