using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MLNet.Ssl.Cli.Arguments;

/// <summary>Tuples of numbers as arrays: (0.4, 1) is [0.4, 1].</summary>
internal sealed class TupleConverter : JsonConverterFactory
{
    public override bool CanConvert(Type type) => type.IsValueType && typeof(ITuple).IsAssignableFrom(type);

    public override JsonConverter CreateConverter(Type type, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Of<>).MakeGenericType(type))!;

    private sealed class Of<T> : JsonConverter<T> where T : struct, ITuple
    {
        public override T Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            var types = type.GetGenericArguments();
            var values = JsonSerializer.Deserialize<JsonElement[]>(ref reader, options) ?? [];
            if (values.Length != types.Length) throw new JsonException(
                $"it has {values.Length} values; expected {types.Length}.");
            return (T)Activator.CreateInstance(type, [.. values.Zip(types,
                (value, of) => value.Deserialize(of, options))])!;
        }

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            for (int i = 0; i < value.Length; i++) JsonSerializer.Serialize(writer, value[i], options);
            writer.WriteEndArray();
        }
    }
}
