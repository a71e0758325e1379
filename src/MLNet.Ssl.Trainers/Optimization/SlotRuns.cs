using static TorchSharp.torch;

namespace MLNet.Ssl.Optimization;

/// <summary>
/// A group's parameters as few blocks: those of one length at equal distances, as the layers of a network have them,
/// are the rows of one strided matrix. On a GPU an operator on a block costs what one on a parameter does.
/// </summary>
internal sealed class SlotRuns
{
    private readonly List<Run> _runs = [];

    private SlotRuns() { }

    /// <summary>Number of the slots.</summary>
    public long Count => _runs.Sum(run => run.Count);

    /// <summary>Number of blocks.</summary>
    public int Blocks => _runs.Count;

    public static SlotRuns Of(IReadOnlyList<ParameterSlot> slots)
    {
        var result = new SlotRuns();
        foreach (var equal in slots.GroupBy(slot => slot.Length))
        {
            // Several kinds of layers may have one length: the distance is that to
            // the next whose name has the same end.
            foreach (var alike in equal.GroupBy(slot => Ending(slot.Name)))
            {
                Run? run = null;
                foreach (var slot in alike)
                {
                    if (run is not null && (run.Count == 1 || slot.Offset - run.Last == run.Stride))
                        run = new(run.Offset, slot.Offset - run.Last, run.Count + 1, run.Length);
                    else
                    {
                        if (run is not null) result._runs.Add(run);
                        run = new(slot.Offset, slot.Length, 1, slot.Length);
                    }
                }
                result._runs.Add(run!);
            }
        }
        return result;
    }

    /// <summary>The L2 norm of every slot of a flat tensor that begins its storage, in an order of its own.</summary>
    public Tensor Norms(Tensor flat) => cat([.. _runs.Select(run => run.Of(flat).norm(1))]);

    /// <summary>Multiplies every slot by its factor, in the order of <see cref="Norms"/>.</summary>
    public void Scale_(Tensor flat, Tensor factors)
    {
        long first = 0;
        foreach (var run in _runs)
        {
            run.Of(flat).mul_(factors.narrow(0, first, run.Count).unsqueeze(1));
            first += run.Count;
        }
    }

    private static string Ending(string name)
    {
        int digits = name.AsSpan().IndexOfAnyInRange('0', '9');
        while (digits >= 0 && digits < name.Length && char.IsAsciiDigit(name[digits])) digits++;
        return digits < 0 ? name : name[digits..];
    }

    private sealed record Run(long Offset, long Stride, long Count, long Length)
    {
        public long Last => Offset + (Count - 1) * Stride;

        public Tensor Of(Tensor flat) => flat.as_strided([Count, Length], [Stride, 1], Offset);
    }
}
