using System.Collections;
using System.Globalization;
using System.Reflection;

namespace MLNet.Ssl.Options;

/// <summary>A method's options as text by name, to be kept with what they trained.</summary>
internal static class OptionText
{
    public static IReadOnlyDictionary<string, string> Of(PretrainOptions options)
    {
        var text = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Add("", options);
        return text;

        void Add(string prefix, object record)
        {
            foreach (var property in record.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(IsOption))
            {
                string name = prefix + property.Name;
                var value = property.GetValue(record);
                if (value is null) continue;
                bool isRecord = value is not Enum && value.GetType().Assembly == typeof(PretrainOptions).Assembly;
                text[name] = isRecord ? value.GetType().Name : Text(value);
                if (isRecord) Add(name + ".", value);
            }
        }
    }

    // The network is described elsewhere; where files lie and who watches the run are no options of the method.
    private static readonly HashSet<string> NotOfTheMethod =
    [
        nameof(PretrainOptions.Backbone), nameof(PretrainOptions.InitialWeights), nameof(PretrainOptions.Evaluation), nameof(PretrainOptions.CheckpointFolder),
        nameof(PretrainOptions.CheckpointEvery), nameof(PretrainOptions.CheckpointsKept), nameof(PretrainOptions.Resume), nameof(PretrainOptions.Progress),
        nameof(PretrainOptions.CancellationToken), nameof(PretrainOptions.OnUnreadableImage),
    ];

    private static bool IsOption(PropertyInfo property) => property.CanWrite && !NotOfTheMethod.Contains(property.Name);

    private static string Text(object value) => value is IEnumerable and not string
        ? string.Join(", ", ((IEnumerable)value).Cast<object>().Select(Text))
        : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
