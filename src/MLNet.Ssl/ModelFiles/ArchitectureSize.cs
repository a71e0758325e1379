namespace MLNet.Ssl.ModelFiles;

/// <summary>
/// How many tensors and weights an architecture has at least, told without building it: what a description claims is compared with what the file holds.
/// </summary>
internal readonly record struct ArchitectureSize(double Tensors, double Weights)
{
    /// <summary>A linear layer or convolution: a tensor of weights.</summary>
    private static ArchitectureSize Layer(double inputs, double outputs) => new(1, inputs * outputs);

    public static ArchitectureSize operator +(ArchitectureSize a, ArchitectureSize b) => new(a.Tensors + b.Tensors, a.Weights + b.Weights);

    public static ArchitectureSize operator *(double count, ArchitectureSize part) => new(count * part.Tensors, count * part.Weights);

    public static ArchitectureSize Of(BackboneOptions backbone) => backbone switch
    {
        VisionTransformerOptions vit => Of(vit),
        ResNetOptions resNet => Of(resNet),
        TabularMlpOptions mlp => Of(mlp),
        _ => default,
    };

    /// <summary>A classifier on a backbone: the first layers of a projection head, and a linear layer for the classes.</summary>
    public static ArchitectureSize Of(BackboneOptions backbone, ProjectionHeadOptions? head, int headLayers, int classes)
    {
        double width = backbone.EmbeddingDimension, features = headLayers > 0 && headLayers == head!.Layers ? head.OutputDimension : width;
        var kept = headLayers == 0 ? default : (headLayers - 1) * Layer(width, width) + Layer(width, features);
        return Of(backbone) + kept + Layer(features, classes);
    }

    /// <summary>Refuses an entry with fewer tensors, or fewer bytes than their weights take.</summary>
    /// <param name="tensors">Tensors of the entry.</param>
    /// <param name="bytes">Bytes of the entry.</param>
    public void Check(int tensors, long bytes)
    {
        double claimed = Weights * sizeof(float);
        if (claimed > bytes) throw new InvalidDataException($"the network described has at least {claimed:f0} bytes of weights, the entry {bytes}.");
        if (Tensors > tensors) throw new InvalidDataException($"the network described has at least {Tensors:f0} tensors, the entry {tensors}.");
    }

    // Of a block: queries, keys, values and projection, and the MLP; a position for every patch.
    private static ArchitectureSize Of(VisionTransformerOptions vit)
    {
        double width = vit.EmbeddingDimension, hidden = width * vit.MlpRatio - 1, side = vit.ImageSize / vit.PatchSize;
        var block = Layer(width, 3 * width) + Layer(width, width) + Layer(width, hidden) + Layer(hidden, width);
        // Every layer, and the two norms, have a second tensor.
        block = block with { Tensors = 2 * block.Tensors + 4 };
        var stem = vit.ConvolutionalStem ? Layer(9 * width / 2, width) + Layer(width, width) : Layer(3.0 * vit.PatchSize * vit.PatchSize, width);
        return vit.Depth * block + Layer(side * side, width) + stem;
    }

    // Of a basic block two 3×3 convolutions, of a bottleneck one and two of 1×1; the first block of all has fewer inputs.
    private static ArchitectureSize Of(ResNetOptions resNet)
    {
        ArchitectureSize size = default;
        double width = resNet.Width;
        foreach (int blocks in resNet.BlocksPerStage)
        {
            var inner = Layer(9 * width, width);
            var block = resNet.Block == ResNetBlock.Basic ? inner + Layer(9 * width / 2, width) : inner + Layer(width, width) + Layer(width, 4 * width);
            // Every convolution is followed by a norm of at least four tensors.
            size += blocks * (block with { Tensors = 5 * block.Tensors });
            width *= 2;
        }
        return size;
    }

    private static ArchitectureSize Of(TabularMlpOptions mlp)
    {
        ArchitectureSize size = default;
        foreach (int slots in mlp.InputGroups!) size += Layer(slots, mlp.InputWidth);
        double before = (double)mlp.InputWidth * mlp.InputGroups!.Length;
        foreach (double width in mlp.HiddenWidths.Append(mlp.OutputWidth))
        {
            size += Layer(before, width);
            before = width;
        }
        return size;
    }
}
