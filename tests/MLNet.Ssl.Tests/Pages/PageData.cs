using System.IO.Compression;
using MLNet.Ssl.Samples;
using TorchSharp;

namespace MLNet.Ssl.Tests;

/// <summary>The files that the snippets of a page read, few and small, where they look for them.</summary>
internal sealed class PageData(TemporaryFolder folder)
{
    /// <summary>Writes what the page names.</summary>
    public void Prepare(string markdown)
    {
        PrepareImages();
        if (markdown.Contains("plots.csv", StringComparison.Ordinal)) PreparePlots();
        PrepareWeights(markdown);
    }

    /// <summary>Images as files in folders of their classes.</summary>
    private void PrepareImages()
    {
        var (train, test) = FashionMnist.Read();
        Write("photos", train, 0, 24);
        Write("labelled", train, 24, 20);
        Write("test", test, 0, 12);
        File.Copy(Directory.GetFiles(folder.File("photos"), "*.jpg", SearchOption.AllDirectories)[0],
            folder.File("query.jpg"));

        void Write(string name, CifarSet set, int start, int count)
        {
            foreach (var (row, i) in set.Rows().Skip(start).Take(count).Select((row, i) => (row, i)))
            {
                string place = Directory.CreateDirectory(folder.File($"{name}/class {row.Label}")).FullName;
                row.Image.Save(Path.Combine(place, $"{i:000}.jpg"));
            }
        }
    }

    /// <summary>Rows of CovType: ten numbers, the first soil that is set, and the class.</summary>
    private void PreparePlots()
    {
        using var lines = new StreamReader(
            new GZipStream(File.OpenRead(RealData.Path("covtype/covtype.data.gz")), CompressionMode.Decompress));
        using var plots = File.CreateText(folder.File("plots.csv"));
        for (int row = 0; row < 64; row++)
        {
            string[] values = lines.ReadLine()!.Split(',');
            int soil = Array.IndexOf(values, "1", 14, 40) - 14;
            plots.WriteLine($"{string.Join(',', values[..10])},soil {soil},kind {values[54]}");
        }
    }

    /// <summary>Networks of the published forms with random weights, where the page's would be after a
    /// download.</summary>
    private void PrepareWeights(string markdown)
    {
        Write("dino_deitsmall16_pretrain.pth", "dino_deitsmall16_pretrain.pth",
            new VisionTransformerOptions { PatchSize = 16, EmbeddingDimension = 384, Depth = 12, Heads = 6 });
        Write("dinov3_vits16_pretrain_lvd1689m-08c60483.pth", "dinov3_vits16_pretrain_lvd1689m-08c60483.pth",
            VisionTransformerOptions.DinoV3Small());
        Write("DinoV2Small", "hf/hub/models--facebook--dinov2-small/snapshots/1/model.safetensors",
            VisionTransformerOptions.DinoV2Small());

        void Write(string named, string file, BackboneOptions backbone)
        {
            if (!markdown.Contains(named, StringComparison.Ordinal)) return;
            using var generator = new torch.Generator(1, torch.CPU);
            using var network = backbone.Create(generator);
            Directory.CreateDirectory(Path.GetDirectoryName(folder.File(file))!);
            SafeTensors.Write(folder.File(file), network.state_dict());
        }
    }
}
