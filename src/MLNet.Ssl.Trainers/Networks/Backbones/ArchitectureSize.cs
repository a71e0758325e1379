namespace MLNet.Ssl.Networks;

/// <summary>
/// How many tensors and weights an architecture has at least, told without building it: what a description claims is
/// compared with what the file holds.
/// </summary>
internal readonly record struct ArchitectureSize(double Tensors, double Weights)
{
    /// <summary>A linear layer or convolution: a tensor of weights.</summary>
    public static ArchitectureSize Layer(double inputs, double outputs) => new(1, inputs * outputs);

    public static ArchitectureSize operator +(ArchitectureSize a, ArchitectureSize b) =>
        new(a.Tensors + b.Tensors, a.Weights + b.Weights);

    public static ArchitectureSize operator *(double count, ArchitectureSize part) =>
        new(count * part.Tensors, count * part.Weights);

    /// <summary>Refuses an entry with fewer tensors, or fewer bytes than their weights take.</summary>
    /// <param name="tensors">Tensors of the entry.</param>
    /// <param name="bytes">Bytes of the entry.</param>
    public void Check(int tensors, long bytes)
    {
        double claimed = Weights * sizeof(float);
        if (claimed > bytes) throw new InvalidDataException(
            $"the network described has at least {claimed:f0} bytes of weights, the entry {bytes}.");
        if (Tensors > tensors) throw new InvalidDataException(
            $"the network described has at least {Tensors:f0} tensors, the entry {tensors}.");
    }
}
