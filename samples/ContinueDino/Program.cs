// Goes on from DINOv2's weights on photos of one's own with DINO and KoLeo, and shows by how much photos of a kind are
// found better: before and after.
using System.CommandLine;
using ContinueDino;

var photos =
    new Option<string>("--photos") { Description = "Folder with a subfolder for each kind of photo", Required = true };
var weights = new Option<string?>("--weights")
{
    Description =
        "File of DINOv2's or another network's weights, or a name such as dinov2_vits14 of one that is on this "
        + "machine; without it a tiny network of random weights, which shows the way and not the quality",
};
var epochs = new Option<int>("--epochs") { Description = "Passes over the photos", DefaultValueFactory = _ => 10 };
var rate = new Option<double?>("--learning-rate")
{
    Description = "Peak rate for a batch of 256; without it 0.0001 for given weights, 0.005 for random ones",
};
var koLeo =
    new Option<double>("--koleo") { Description = "Weight of KoLeo; 0 for none", DefaultValueFactory = _ => 0.1 };
var size = new Option<int?>("--image-size")
{
    Description =
    "Side of the view, a multiple of the patch; without it as the photos have it, at most 224"
};
var output = new Option<string?>("--output") { Description = "File for the new encoder's weights (.safetensors)" };
var seed = new Option<int>("--seed") { Description = "Seed of everything random", DefaultValueFactory = _ => 1 };

var command = new RootCommand("Continue DINO from DINOv2's weights on your photos, and compare retrieval.")
{
    photos, weights, epochs, rate, koLeo, size, output, seed,
};
command.SetAction(o =>
{
    try
    {
        Continuation.Run(new(
            o.GetValue(photos)!, o.GetValue(weights), o.GetValue(epochs), o.GetValue(rate), o.GetValue(koLeo),
            o.GetValue(size),
            o.GetValue(output), o.GetValue(seed)));
        return 0;
    }
    catch (Exception e)
        when (e is IOException or ArgumentException or InvalidDataException or InvalidOperationException)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
});
return command.Parse(args).Invoke();
