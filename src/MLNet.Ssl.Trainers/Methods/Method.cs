using MLNet.Ssl.Distributed;
using MLNet.Ssl.Networks;
using MLNet.Ssl.Optimization;
using MLNet.Ssl.Tensors;
using static TorchSharp.torch;

namespace MLNet.Ssl.Methods;

/// <summary>What one forward pass of a method gives.</summary>
/// <param name="Loss">Scalar, mean over the samples of the pass.</param>
/// <param name="Embeddings">Encoder outputs of the first view (B, D), for the collapse alarm.</param>
/// <param name="TeacherEntropy">Mean entropy of the teacher's outputs as a share of its maximum, ln K; null for
/// methods without such outputs.</param>
public sealed record MethodOutput(Tensor Loss, Tensor Embeddings, Tensor? TeacherEntropy = null);

/// <summary>A self-supervised method: turns views into a loss, and owns its networks and what
/// else it keeps between steps.</summary>
/// <remarks>A method never reads the clock, the disk or the console; the step it is at is told to it.</remarks>
public abstract class Method : IDisposable
{
    /// <summary>The parameters that the optimiser moves.</summary>
    public abstract FlatParameters Parameters { get; }

    /// <summary>The backbone that embeds rows after training.</summary>
    public abstract Backbone Encoder { get; }

    /// <summary>
    /// What the method keeps from one step to the next, by name: its networks with their buffers, centres, queues. The
    /// tensors are the live ones: checkpoints copy from them and, to resume, into them.
    /// </summary>
    public abstract IEnumerable<(string Name, Tensor Value)> State { get; }

    /// <summary>SimCLR's projection head, from inside of which fine-tuning may start; null for other methods.</summary>
    internal virtual ProjectionHead? ProjectionHead => null;

    /// <summary>Why a checkpoint's state cannot be this method's; null if it can. Names, types and shapes are
    /// those of <see cref="State"/>.</summary>
    internal virtual string? Misfit(IReadOnlyDictionary<string, Tensor> saved, int batch) => null;

    /// <summary>True if samples do not meet in the forward pass, so that parts of a batch
    /// may be passed side by side.</summary>
    public virtual bool SamplesAreIndependent => false;

    /// <summary>True if the network is little else than linear layers and nothing but the training step
    /// differentiates it, so that a tape may take the place of autograd in them.</summary>
    internal virtual bool IsOfLinearLayers => false;

    /// <summary>The processes that train together: each passes its part of the batch.</summary>
    internal static Communicator Ranks => Communicator.Current;

    /// <summary>
    /// What the rows of an epoch's last, partial batch must be a multiple of; null if every batch must have the same
    /// size, so that rows which are left are dropped.
    /// </summary>
    /// <value>Default null.</value>
    public virtual int? PartialBatchMultiple => null;

    /// <summary>Where a pass of the online and of the slow network run at the same time; set by
    /// whoever steps the method.</summary>
    internal SideBySide Sides { get; set; } = SideBySide.InTurn;

    /// <summary>Views → loss. Called on several threads at once, a shard of the batch each, if
    /// <see cref="SamplesAreIndependent"/>.</summary>
    /// <param name="views">The views of the batch, a tensor (B, 3, H, W) of images or (B, D) of rows each.</param>
    /// <param name="clock">The step.</param>
    /// <param name="shard">Which part of the batch this is, from 0.</param>
    public abstract MethodOutput Forward(IReadOnlyList<Tensor> views, StepClock clock, int shard);

    /// <summary>What follows the optimiser's step: moving averages, centres, queues.</summary>
    public virtual void AfterStep(StepClock clock) { }

    /// <summary>Momentum with which the slow copy follows at a step; null for methods without one.</summary>
    public virtual double? TeacherMomentum(StepClock clock) => null;

    /// <summary>Releases networks and buffers.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases networks and buffers.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Parameters and buffers of a network, under their state-dict names behind the one given; in single
    /// precision, whatever the network computes in.</summary>
    /// <param name="name">Put before the names, with a dot.</param>
    /// <param name="network">The network.</param>
    protected internal static IEnumerable<(string Name, Tensor Value)> StateOf(string name, nn.Module network) =>
        network.Weights().Select(entry => ($"{name}.{entry.Key}", entry.Value));

    /// <summary>Passes views of equal size through <paramref name="network"/> together, and returns the outputs
    /// in the order of the views.</summary>
    /// <returns>(V·B, D), view-major: all samples of the first view, then of the second.</returns>
    protected static Tensor BySize(nn.Module<Tensor, Tensor> network, IReadOnlyList<Tensor> views)
    {
        var outputs = new List<Tensor>();
        for (int first = 0; first < views.Count;)
        {
            int next = first + 1;
            while (next < views.Count && views[next].size(-1) == views[first].size(-1)) next++;
            outputs.Add(
                network.call(next - first == 1 ? views[first] : cat([.. views.Skip(first).Take(next - first)], 0)));
            first = next;
        }
        return outputs.Count == 1 ? outputs[0] : cat(outputs, 0);
    }
}
