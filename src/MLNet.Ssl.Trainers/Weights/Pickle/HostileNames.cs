namespace MLNet.Ssl.Weights;

/// <summary>
/// Python names by which pickles attack. Nothing is called here, so refusing them protects no one; it tells a user that
/// the file is an attack on others, which a file that opens would hide.
/// </summary>
internal static class HostileNames
{
    /// <summary>Packages that run programs or code, load code, or reach networks,
    /// with all that is below them.</summary>
    private static readonly HashSet<string> Packages =
    [
        "os", "posix", "nt", "subprocess", "pty", "popen2", "sys", "shutil", "socket", "ftplib", "smtplib", "telnetlib",
        "urllib", "urllib2", "http", "httplib",
        "requests", "aiohttp", "webbrowser", "importlib", "pkgutil", "runpy", "codeop", "ctypes", "_ctypes", "cffi",
        "marshal", "pickle", "_pickle", "cPickle",
        "dill", "cloudpickle", "pip", "ensurepip", "distutils", "setuptools", "pdb", "bdb", "timeit", "cProfile",
        "doctest", "multiprocessing", "asyncio",
    ];

    /// <summary>Such modules by whose names users call their own packages too.</summary>
    private static readonly HashSet<string> Modules = ["code", "commands", "imp", "profile", "trace"];

    /// <summary>The types and constants among Python's built-in names; the others are functions.</summary>
    private static readonly HashSet<string> BuiltinTypes =
    [
        "bool", "bytearray", "bytes", "complex", "dict", "Ellipsis", "float", "frozenset", "int", "list", "long",
        "NotImplemented", "object", "range", "set",
        "slice", "str", "tuple", "type", "unicode", "xrange",
    ];

    private static readonly string[] Prefixes =
    [
        "torch.storage._load_from_bytes", "torch.serialization.", "torch.load", "torch.hub.",
        "torch.utils.cpp_extension.", "numpy.testing.", "numpy.f2py.",
        "numpy.load",
    ];

    public static bool Contain(string module, string name) => module is "builtins" or "__builtin__"
        ? !BuiltinTypes.Contains(name) && !name.EndsWith("Error", StringComparison.Ordinal)
        : Packages.Contains(module.Split('.', 2)[0]) || Modules.Contains(module)
            || Prefixes.Any(prefix => $"{module}.{name}".StartsWith(prefix, StringComparison.Ordinal));
}
