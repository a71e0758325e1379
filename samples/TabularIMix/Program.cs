// Learns an encoder from the unlabelled rows of a table inside an ML.NET pipeline, and shows what its embeddings are
// worth when few rows have labels.
using System.CommandLine;
using TabularIMix;

var data = new Option<string?>("--data")
{
    Description =
        "covtype.data, plain or .gz, or its folder; else the folder that MLNETSSL_DATA names, else a drawn table",
};
var epochs = new Option<int?>("--epochs")
{
    Description = "Passes over the unlabelled rows; 60 if left out, with --paper 500",
};
var test = new Option<int>("--test") { Description = "Test rows", DefaultValueFactory = _ => 10_000 };
var paper = new Option<bool>("--paper") { Description = "The paper's network and 500 epochs; meant for a GPU" };
var seed = new Option<int>("--seed") { Description = "Seed of everything random", DefaultValueFactory = _ => 1 };
epochs.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int?>() < 1) result.AddError("--epochs must be 1 or more.");
});
test.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < 1) result.AddError("--test must be 1 or more.");
});

var command = new RootCommand(
    "MoCo with i-Mix, and masked reconstruction, on the rows of CovType in an ML.NET pipeline.")
{
    data, epochs, test, paper, seed,
};
command.SetAction(options => Demo.Run(
    options.GetValue(data), options.GetValue(epochs), options.GetValue(test), options.GetValue(paper),
        options.GetValue(seed)));
return command.Parse(args).Invoke();
