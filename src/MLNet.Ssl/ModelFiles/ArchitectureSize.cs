namespace MLNet.Ssl;

/// <summary>How many weights an architecture has at least, told without building it.</summary>
internal static class ArchitectureSize
{
    public static double LeastWeights(BackboneOptions backbone) => backbone switch
    {
        VisionTransformerOptions vit => Of(vit),
        ResNetOptions resNet => Of(resNet),
        TabularMlpOptions mlp => Of(mlp),
        _ => 0,
    };

    // Of a block: queries, keys, values and projection, and the MLP; a position for every patch.
    private static double Of(VisionTransformerOptions vit)
    {
        double width = vit.EmbeddingDimension, hidden = width * vit.MlpRatio, side = vit.ImageSize / vit.PatchSize;
        double patches = vit.ConvolutionalStem ? 0 : 3.0 * vit.PatchSize * vit.PatchSize * width;
        return vit.Depth * (4 * width * width + 2 * width * (hidden - 1)) + side * side * width + patches;
    }

    // Of a basic block two 3×3 convolutions but for the first one's narrower input, of a bottleneck one.
    private static double Of(ResNetOptions resNet)
    {
        double weights = 0, width = resNet.Width;
        foreach (int blocks in resNet.BlocksPerStage)
        {
            weights += 9.0 * blocks * width * width;
            width *= 2;
        }
        return weights;
    }

    private static double Of(TabularMlpOptions mlp)
    {
        double weights = mlp.InputGroups!.Sum(slots => (double)slots) * mlp.InputWidth, before = (double)mlp.InputWidth * mlp.InputGroups!.Length;
        foreach (double width in mlp.HiddenWidths.Append(mlp.OutputWidth))
        {
            weights += before * width;
            before = width;
        }
        return weights;
    }
}
