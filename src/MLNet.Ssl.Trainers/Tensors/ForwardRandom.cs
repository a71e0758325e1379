using TorchSharp;

namespace MLNet.Ssl.Tensors;

/// <summary>
/// The source of random numbers of a forward pass in training, such as those of drop path. It belongs to the calling
/// thread, so that several threads can push parts of a batch through one network and each part is still reproducible.
/// A method or backbone that draws from it alone learns the same weights again, and when it is resumed.
/// </summary>
/// <example><code>
/// // In the forward pass of a method or a backbone:
/// var kept = torch.rand([x.size(0), 1], generator: ForwardRandom.Current).gt(0.1f).to(x.device);
/// // Around a pass outside of a run, such as in a test:
/// using (ForwardRandom.Use(generator)) features = backbone.call(views);
/// </code></example>
public static class ForwardRandom
{
    [ThreadStatic]
    private static torch.Generator? t_generator;

    [ThreadStatic]
    private static KeepPlan? t_keeps;

    /// <summary>
    /// Makes <paramref name="generator"/> the source of forward passes on this thread until the result is disposed.
    /// Scopes nest.
    /// </summary>
    /// <param name="generator">Drawn from by layers in training mode; the caller keeps ownership.</param>
    /// <returns>A scope; dispose it on the same thread.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="generator"/> is null.</exception>
    public static IDisposable Use(torch.Generator generator) => Use(generator, null);

    /// <summary>Besides, takes drop path's factors from a plan.</summary>
    internal static IDisposable Use(torch.Generator generator, KeepPlan? keeps)
    {
        ArgumentNullException.ThrowIfNull(generator);
        var scope = new Scope(t_generator, t_keeps);
        (t_generator, t_keeps) = (generator, keeps);
        return scope;
    }

    /// <summary>Factors that keep a row or leave it out: (rows), of the type and on the device of
    /// <paramref name="like"/>.</summary>
    internal static torch.Tensor Keeps(long rows, double rate, torch.Tensor like) => t_keeps is { } plan
        ? plan.Next(rows, rate, like)
        : torch.empty([rows], like.dtype, torch.CPU).bernoulli_(1 - rate, Current).Div_(1 - rate).to(like.device);

    internal static bool IsInUse => t_generator is not null;

    /// <summary>
    /// The generator of this thread's pass; a run seeds it for every step and part of the batch. Draw on the
    /// generator's own device, and move what was drawn.
    /// </summary>
    /// <exception cref="InvalidOperationException">The thread is in no such pass.</exception>
    public static torch.Generator Current => t_generator ?? throw new InvalidOperationException(
        "A layer drew random numbers in training mode, but this thread has no generator: "
        + "wrap the forward pass in ForwardRandom.Use(generator).");

    private sealed class Scope(torch.Generator? generator, KeepPlan? keeps) : IDisposable
    {
        public void Dispose() => (t_generator, t_keeps) = (generator, keeps);
    }
}
