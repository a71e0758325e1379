using System.Text.Json;
using static TorchSharp.torch;

namespace MLNet.Ssl.Tests;

/// <summary>Files written by PyTorch, by hand and by an attacker, with their values or their refusal.</summary>
[Trait("Category", "Golden")]
public class CheckpointGoldenTests
{
    private const string Marker = "golden_pickle_executed.marker";
    private static readonly GoldenFile Golden = MLNet.Ssl.Tests.Golden.Load("checkpoints");

    /// <summary>What the message must say of files that are known here.</summary>
    private static readonly Dictionary<string, string> Reasons = new()
    {
        ["malicious_os_system.pth"] = ".system'",
        ["malicious_eval.pth"] = ".eval'",
        ["malicious_exec.pth"] = ".exec'",
        ["malicious_getattr_import.pth"] = "builtin",
        ["malicious_legacy.pth"] = ".system'",
        ["malicious_first_key.pth"] = ".system'",
        ["malicious_load_from_bytes.pth"] = "'torch.storage._load_from_bytes'",
        ["malicious_raw.pkl"] = ".system'",
        ["malicious_raw_proto4.pkl"] = ".system'",
        ["corrupt_legacy_truncated_data.pth"] = "ends inside the storage",
        ["corrupt_legacy_truncated_pickle.pth"] = "ends too early",
        ["corrupt_empty.pth"] = "neither a PyTorch checkpoint",
        ["corrupt_text.pth"] = "neither a PyTorch checkpoint",
        ["corrupt_zip_missing_storage.pth"] = "is missing",
        ["corrupt_zip_short_storage.pth"] = "elements need",
        ["corrupt_zip_no_pickle.pth"] = "no data.pkl",
        ["corrupt_zip_pickle_truncated.pth"] = "ends too early",
        ["corrupt_zip_pickle_garbage.pth"] = "opcode",
        ["corrupt_view_size_too_big.pth"] = "leaves its storage",
        ["corrupt_view_offset.pth"] = "leaves its storage",
        ["corrupt_view_stride.pth"] = "leaves its storage",
        ["corrupt_view_negative.pth"] = "negative",
        ["corrupt_storage_numel_huge.pth"] = "elements need",
        ["corrupt_size_overflow.pth"] = "overflows",
        ["bad_header_length_beyond_file.safetensors"] = "header",
        ["bad_header_length_huge.safetensors"] = "header",
        ["bad_short_file.safetensors"] = "at least 8",
        ["bad_json.safetensors"] = "not valid JSON",
        ["bad_not_object.safetensors"] = "not a JSON object",
        ["bad_data_truncated.safetensors"] = "data_offsets",
        ["bad_trailing_bytes.safetensors"] = "follow the last tensor",
        ["bad_overlap.safetensors"] = "inside",
        ["bad_hole.safetensors"] = "after a gap",
        ["bad_shape_mismatch.safetensors"] = "data_offsets give",
        ["bad_offsets_reversed.safetensors"] = "data_offsets",
        ["bad_negative_shape.safetensors"] = "shape holds -",
        ["bad_shape_overflow.safetensors"] = "overflows",
        ["bad_dtype.safetensors"] = "element type",
        ["bad_duplicate_key.safetensors"] = "JSON",
        ["bad_missing_field.safetensors"] = "shape is missing",
        ["zip_deflated.pth"] = "is compressed",
    };

    public static TheoryData<string> Files
    {
        get
        {
            var data = new TheoryData<string>();
            foreach (var file in Golden.Params.GetProperty("files").EnumerateArray())
                data.Add(file.GetProperty("file").GetString()!);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void TheFileIsReadExactlyOrRefused(string file)
    {
        var entry = Golden.Params.GetProperty("files").EnumerateArray()
            .Single(f => f.GetProperty("file").GetString() == file);
        string path =
            Path.Combine(MLNet.Ssl.Tests.Golden.Folder, Golden.Params.GetProperty("directory").GetString()!, file);
        Assert.Equal(entry.GetProperty("bytes").GetInt64(), new FileInfo(path).Length);
        string expect = entry.GetProperty("expect").GetString()!;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Checkpoint checkpoint;
        try
        {
            checkpoint = Checkpoint.Open(path);
        }
        catch (InvalidDataException e)
        {
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
            Assert.NotEqual("ok", expect);
            Assert.Contains(path, e.Message);
            if (expect == "refuse") Assert.Contains("Nothing was executed", e.Message);
            if (Reasons.TryGetValue(file, out string? reason)) Assert.Contains(reason, e.Message);
            AssertNothingWasExecuted(path);
            return;
        }
        using (checkpoint)
        {
            AssertNothingWasExecuted(path);
            Assert.Contains(expect, new[] { "ok", "ok_or_refuse", "error_or_ok" });
            if (expect == "error_or_ok") return;
            AssertTensors(checkpoint, file, entry);
            if (entry.TryGetProperty("scalars", out var scalars))
                foreach (var scalar in scalars.EnumerateObject())
                    AssertScalar(scalar, Find(checkpoint.Root, scalar.Name));
        }
    }

    private static void AssertNothingWasExecuted(string path)
    {
        Assert.False(File.Exists(Marker));
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(path)!, Marker)));
    }

    private static void AssertTensors(Checkpoint checkpoint, string file, JsonElement entry)
    {
        var names = entry.GetProperty("tensors").EnumerateArray().Select(n => n.GetString()!).ToList();
        Assert.NotEmpty(names);
        using var scope = NewDisposeScope();
        foreach (string name in names)
        {
            var expected = Golden.Root.GetProperty("expected").GetProperty($"{file}::{name}");
            var stored = Assert.IsType<StoredTensor>(Find(checkpoint.Root, name));
            Assert.Equal((name, expected.GetProperty("dtype").GetString()), (name, NumpyName(stored.Type)));
            Assert.Equal(expected.GetProperty("shape").EnumerateArray().Select(v => v.GetInt64()), stored.Shape);
            var tensor = stored.Read();
            Assert.Equal(stored.Shape, tensor.shape);
            Assert.Equal(stored.Type, tensor.dtype);
            var data = expected.GetProperty("data").EnumerateArray().ToList();
            if (data.Count == 0) continue;
            if (is_floating_point(stored.Type))
            {
                // Nine digits stand for one float32, which holds the shorter types exactly.
                var values = data.Select(v => stored.Type == ScalarType.Float64 ? v.GetDouble() : v.GetSingle());
                Assert.Equal(values, tensor.to(float64).contiguous().data<double>().ToArray());
            }
            else
            {
                Assert.Equal(data.Select(v => v.GetInt64()), tensor.to(int64).contiguous().data<long>().ToArray());
            }
        }
    }

    private static void AssertScalar(JsonProperty expected, object? actual)
    {
        switch (expected.Value.ValueKind)
        {
            case JsonValueKind.Null: Assert.Null(actual); break;
            case JsonValueKind.True
                or JsonValueKind.False:
                Assert.Equal(expected.Value.GetBoolean(), Assert.IsType<bool>(actual)); break;
            case JsonValueKind.String: Assert.Equal(expected.Value.GetString(), actual); break;
            default:
                if (actual is long whole) Assert.Equal(expected.Value.GetInt64(), whole);
                else Assert.Equal(expected.Value.GetDouble(), Assert.IsType<double>(actual));
                break;
        }
    }

    private static object? Find(object? value, string place)
    {
        foreach (string step in place.Split('/'))
            value = value is IReadOnlyList<object?> list ? list[int.Parse(step)]
                : ((IReadOnlyDictionary<string, object?>)value!)[step];
        return value;
    }

    private static string NumpyName(ScalarType type) =>
        type switch { ScalarType.Byte => "uint8", _ => type.ToString().ToLowerInvariant() };

    [Fact]
    public void ObjectsOfOtherLibrariesStayInert()
    {
        string folder =
            Path.Combine(MLNet.Ssl.Tests.Golden.Folder, Golden.Params.GetProperty("directory").GetString()!);
        using var checkpoint = Checkpoint.Open(Path.Combine(folder, "dino_checkpoint_with_args.pth"));
        var arguments = Assert.IsType<OpaqueValue>(Find(checkpoint.Root, "args"));
        Assert.Equal("argparse.Namespace", arguments.TypeName);
        Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(arguments.State);
    }
}
