namespace MLNet.Ssl.Tests;

public sealed class ViewRecipeTests
{
    public static TheoryData<string, ViewRecipe> BadRecipes => new()
    {
        { "Size is 0; allowed is from 1 to 4096", new() { Size = 0 } },
        { "Scale.Min is 0; allowed is from 1E-06 to 1", new() { Scale = (0, 1) } },
        { "Scale.Max is 0.1; allowed is from 0.5 to 1", new() { Scale = (0.5, 0.1) } },
        { "Scale.Max is 1.5; allowed is from 0.5 to 1", new() { Scale = (0.5, 1.5) } },
        { "AspectRatio.Min is -1; allowed is from 0.01 to 100", new() { AspectRatio = (-1, 1) } },
        { "Interpolation is 7; allowed is from 0 to 2", new() { Interpolation = (Interpolation)7 } },
        { "FlipProbability is 1.1; allowed is from 0 to 1", new() { FlipProbability = 1.1 } },
        { "JitterProbability is NaN; allowed is from 0 to 1", new() { JitterProbability = double.NaN } },
        { "GrayscaleProbability is -0.2; allowed is from 0 to 1", new() { GrayscaleProbability = -0.2 } },
        { "BlurProbability is 2; allowed is from 0 to 1", new() { BlurProbability = 2 } },
        { "BlurSigma.Max is 1000; allowed is from 1 to 100", new() { BlurSigma = (1, 1000) } },
        { "SolarizeProbability is 3; allowed is from 0 to 1", new() { SolarizeProbability = 3 } },
        { "Jitter.Brightness is -1; allowed is from 0 to 100", new() { Jitter = new(-1, 0, 0, 0) } },
        { "Jitter.Hue is 0.6; allowed is from 0 to 0.5", new() { Jitter = new(0, 0, 0, 0.6) } },
        { "Normalization.Std[1] is 0; allowed is from 1E-06", new() { Normalization = new((0, 0, 0), (1, 0, 1)) } },
    };

    public static TheoryData<string, ViewRecipe> Literature => new()
    {
        { nameof(ViewRecipes.DinoGlobal1), ViewRecipes.DinoGlobal1() },
        { nameof(ViewRecipes.DinoGlobal2), ViewRecipes.DinoGlobal2() },
        { nameof(ViewRecipes.DinoLocal), ViewRecipes.DinoLocal() },
        { nameof(ViewRecipes.MoCoV1), ViewRecipes.MoCoV1() },
        { nameof(ViewRecipes.MoCoV2), ViewRecipes.MoCoV2() },
        { nameof(ViewRecipes.MoCoV3View1), ViewRecipes.MoCoV3View1() },
        { nameof(ViewRecipes.MoCoV3View2), ViewRecipes.MoCoV3View2() },
        { nameof(ViewRecipes.ByolView1), ViewRecipes.ByolView1() },
        { nameof(ViewRecipes.ByolView2), ViewRecipes.ByolView2() },
        { nameof(ViewRecipes.SimClr), ViewRecipes.SimClr() },
        { nameof(ViewRecipes.SimClrCifar), ViewRecipes.SimClrCifar() },
        { nameof(ViewRecipes.IMixCifar), ViewRecipes.IMixCifar() },
        { nameof(ViewRecipes.NoAugmentation), ViewRecipes.NoAugmentation() },
    };

    [Theory]
    [MemberData(nameof(BadRecipes))]
    public void Validate_BadOption_NamesOptionValueAndRange(string message, ViewRecipe recipe) =>
        Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(recipe.Validate).Message);

    [Theory]
    [MemberData(nameof(Literature))]
    public void Validate_RecipeOfTheLiterature_Passes(string name, ViewRecipe recipe)
    {
        recipe.Validate();
        Assert.Equal(name is nameof(ViewRecipes.DinoLocal) ? 96 : name.EndsWith("Cifar", StringComparison.Ordinal) ? 32
            : 224, recipe.Size);
    }

    /// <summary>The table of the methods, column by column: scale, jitter (p), grey,
    /// blur p, solarise p, filter.</summary>
    [Theory]
    [InlineData(nameof(ViewRecipes.DinoGlobal1), "0.4-1 0.4,0.4,0.2,0.1 (0.8) 0.2 1 0 Bicubic")]
    [InlineData(nameof(ViewRecipes.DinoGlobal2), "0.4-1 0.4,0.4,0.2,0.1 (0.8) 0.2 0.1 0.2 Bicubic")]
    [InlineData(nameof(ViewRecipes.DinoLocal), "0.05-0.4 0.4,0.4,0.2,0.1 (0.8) 0.2 0.5 0 Bicubic")]
    [InlineData(nameof(ViewRecipes.MoCoV1), "0.2-1 0.4,0.4,0.4,0.4 (1) 0.2 0 0 Bilinear")]
    [InlineData(nameof(ViewRecipes.MoCoV2), "0.2-1 0.4,0.4,0.4,0.1 (0.8) 0.2 0.5 0 Bilinear")]
    [InlineData(nameof(ViewRecipes.MoCoV3View1), "0.08-1 0.4,0.4,0.2,0.1 (0.8) 0.2 1 0 Bilinear")]
    [InlineData(nameof(ViewRecipes.MoCoV3View2), "0.08-1 0.4,0.4,0.2,0.1 (0.8) 0.2 0.1 0.2 Bilinear")]
    [InlineData(nameof(ViewRecipes.ByolView1), "0.08-1 0.4,0.4,0.2,0.1 (0.8) 0.2 1 0 Bicubic")]
    [InlineData(nameof(ViewRecipes.ByolView2), "0.08-1 0.4,0.4,0.2,0.1 (0.8) 0.2 0.1 0.2 Bicubic")]
    [InlineData(nameof(ViewRecipes.SimClr), "0.08-1 0.8,0.8,0.8,0.2 (0.8) 0.2 0.5 0 Bicubic")]
    [InlineData(nameof(ViewRecipes.SimClrCifar), "0.08-1 0.4,0.4,0.4,0.1 (0.8) 0.2 0 0 Bicubic")]
    [InlineData(nameof(ViewRecipes.IMixCifar), "0.2-1 0.4,0.4,0.4,0.1 (0.8) 0.2 0 0 Bilinear")]
    public void Recipe_EqualsTheTable(string name, string row)
    {
        var recipe = (ViewRecipe)Literature.Single(r => r.Data.Item1 == name).Data.Item2;
        var jitter = recipe.Jitter!;
        Assert.Equal(row, FormattableString.Invariant($"{recipe.Scale.Min}-{recipe.Scale.Max} {jitter.Brightness},")
            + FormattableString.Invariant($"{jitter.Contrast},{jitter.Saturation},{jitter.Hue} ")
            + FormattableString.Invariant($"({recipe.JitterProbability}) {recipe.GrayscaleProbability} ")
            + FormattableString.Invariant($"{recipe.BlurProbability} {recipe.SolarizeProbability} ")
            + $"{recipe.Interpolation}");
        Assert.Equal(0.5, recipe.FlipProbability);
        Assert.Equal(name == nameof(ViewRecipes.MoCoV1), recipe.GrayscaleFirst);
    }
}
