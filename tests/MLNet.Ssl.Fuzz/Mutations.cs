using System.Text.Json.Nodes;

namespace MLNet.Ssl.Fuzz;

/// <summary>Changes that keep most of a file.</summary>
internal static class Mutations
{
    private static readonly JsonNode?[] Odd =
    [
        null, 0, -1, 1, 3, 255, 65536, int.MaxValue, int.MinValue, long.MaxValue, 1e300, 0.5, true, "", "NaN",
        "-Infinity", "0", "-1", "99999999999999999999", "none",
        "0 0", "two words", "../../a", "\0", "\ud83d\ude00", new JsonArray(), new JsonObject(), new JsonArray(1, 2),
        new string('x', 3000),
    ];

    public static T Of<T>(this Random random, IReadOnlyList<T> items) => items[random.Next(items.Count)];

    /// <summary>Flips, overwrites, cuts, repeats and leaves out bytes, one to five times; words
    /// are put in or written over.</summary>
    public static byte[] Bytes(byte[] bytes, Random random, IReadOnlyList<byte[]>? words = null)
    {
        bytes = (byte[])bytes.Clone();
        for (int change = random.Next(1, 6); change > 0 && bytes.Length > 8; change--)
        {
            int at = random.Next(bytes.Length);
            switch (random.Next(words is null ? 7 : 11))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: if (random.Next(4) == 0) bytes = bytes[..at]; break;
                case 3:
                    BitConverter.TryWriteBytes(bytes.AsSpan(Math.Min(at, bytes.Length - 8)),
                    random.NextInt64() >> random.Next(64)); break;
                case 4: bytes.AsSpan(at, Math.Min(random.Next(1, 16), bytes.Length - at)).Fill(0xff); break;
                case 5: bytes = [.. bytes[..at], .. bytes[Math.Max(0, at - random.Next(200))..]]; break;
                case 6: bytes = [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(1, 9))..]]; break;
                default:
                    bytes = [.. bytes[..at], .. random.Of(words!),
                    .. bytes[Math.Min(bytes.Length, at + random.Next(3))..]]; break;
            }
        }
        return bytes;
    }

    /// <summary>Takes away, copies or replaces values, one to three times.</summary>
    public static void Json(JsonNode root, Random random)
    {
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            var nodes = All(root).ToList();
            if (nodes.Count == 0) return;
            var node = random.Of(nodes);
            var value = random.Next(4) == 0 ? random.Of(nodes) : random.Of(Odd);
            if (node is JsonArray array)
            {
                if (random.Next(2) == 0) array.Insert(random.Next(array.Count + 1), value?.DeepClone());
                else if (array.Count > 0) Change(() => array.RemoveAt(random.Next(array.Count)), () =>
                    array[random.Next(array.Count)] = value?.DeepClone(), random);
            }
            else if (node is JsonObject { Count: > 0 } item)
            {
                string name = random.Of(item.Select(property => property.Key).ToList());
                Change(() => item.Remove(name), () => item[name] = value?.DeepClone(), random);
            }
        }
    }

    private static void Change(Action remove, Action replace, Random random)
    {
        if (random.Next(5) == 0) remove();
        else replace();
    }

    private static IEnumerable<JsonNode> All(JsonNode? node)
    {
        if (node is null) yield break;
        if (node is JsonArray or JsonObject) yield return node;
        var children = node switch
        {
            JsonArray array => array,
            JsonObject item => item.Select(property => property.Value),
            _ => Enumerable.Empty<JsonNode?>(),
        };
        foreach (var inner in children.SelectMany(All)) yield return inner;
    }
}
