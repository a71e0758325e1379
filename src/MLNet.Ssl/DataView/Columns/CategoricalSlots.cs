using Microsoft.ML;
using Microsoft.ML.Data;

namespace MLNet.Ssl.DataView;

/// <summary>What a column's annotations say of its slots: ML.NET's one-hot encoding notes
/// which are one category's.</summary>
internal static class CategoricalSlots
{
    private const string Kind = "CategoricalSlotRanges";

    /// <summary>The ranges of slots, in order; null where the column has no such note, or one that cannot be.</summary>
    public static IReadOnlyList<Range>? Of(DataViewSchema.Column column)
    {
        if (column.Type is not VectorDataViewType { IsKnownSize: true } vector
            || column.Annotations.Schema.GetColumnOrNull(
                Kind) is not { Type: VectorDataViewType { ItemType: var item } }
            || item.RawType != typeof(int)) return null;
        VBuffer<int> noted = default;
        column.Annotations.GetValue(Kind, ref noted);
        int[] ends = [.. noted.DenseValues()];
        // The last slot is part of a noted range.
        var ranges = ends.Chunk(2).Where(pair => pair.Length == 2).OrderBy(pair => pair[0]).ToList();
        int before = -1;
        foreach (int[] pair in ranges)
        {
            if (pair[0] <= before || pair[1] < pair[0] || pair[1] >= vector.Size) return null;
            before = pair[1];
        }
        return [.. ranges.Where(pair => pair[1] > pair[0]).Select(pair => pair[0]..(pair[1] + 1))];
    }
}
