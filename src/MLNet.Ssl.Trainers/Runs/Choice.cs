using MLNet.Ssl.Data;
using MLNet.Ssl.Options;

namespace MLNet.Ssl.Runs;

/// <summary>An option that was left at Auto, what was chosen for it, and why.</summary>
/// <param name="Option">Name of the option; that of a part stands behind the part's name and a dot.</param>
/// <param name="Value">What was chosen.</param>
/// <param name="Reason">Why, as the end of a sentence such as "for 5 000 rows".</param>
public sealed record Choice(string Option, object Value, string Reason)
{
    /// <summary>Such as "QueueLength = 4096: a multiple of the batch, for 50 000 rows".</summary>
    public override string ToString()
    {
        string value = Value is IReadOnlyList<int> slots ? TableFacts.Describe(slots) : OptionText.Of(Value);
        return $"{Option} = {value}: {Reason}";
    }
}
