// Learns an encoder from a folder of photos without labels, puts them into a vector store, and writes a page with the
// photos most like each query, or answers queries in a browser.
using System.CommandLine;
using PhotoSearch;

var photos = new Option<string?>("--photos")
{
    Description = "Folder with photos, searched with its subfolders; without it, MLNETSSL_DATA/photos",
};
var query = new Option<string[]>("--query")
{
    Description = "Photo to search for, in the folder or not; repeatable; without it, six of the folder",
};
var method = new Option<string>("--method")
{
    Description = "dino: a vision transformer, with attention maps; simclr: a residual network",
    DefaultValueFactory = _ => "dino",
};
var encoder = new Option<string?>("--encoder")
{
    Description =
        "File of a pretrained encoder (an official .pth checkpoint, or .safetensors), in place of pretraining on the "
            + "folder",
};
var epochs = new Option<int>("--epochs")
{
    Description = "Passes over the photos; 0 searches with random weights",
    DefaultValueFactory = _ => 100,
};
var neighbors = new Option<int>("--neighbors")
{
    Description = "Photos shown for each query",
    DefaultValueFactory = _ => 5,
};
var store = new Option<string>("--store")
{
    Description = "Where the embeddings are kept: sqlite, in this process; qdrant or pgvector, a server",
    DefaultValueFactory = _ => "sqlite",
};
var connection = new Option<string?>("--connection")
{
    Description = "Connection string of the store; of qdrant its gRPC address; without it, sqlite keeps a file in the "
        + "output folder",
};
var serve = new Option<int?>("--serve")
{
    Description = "Answers queries in a browser, on this port of the machine itself, until it is stopped",
};
var output = new Option<string>("--output")
{
    Description = "Folder of the page, the embeddings and the attention maps",
    DefaultValueFactory = _ => "photo-search",
};
var seed = new Option<int>("--seed") { Description = "Seed of everything random", DefaultValueFactory = _ => 1 };
method.AcceptOnlyFromAmong("dino", "simclr");
store.AcceptOnlyFromAmong("sqlite", "qdrant", "pgvector");
query.AllowMultipleArgumentsPerToken = true;
RequireAtLeast(epochs, 0);
RequireAtLeast(neighbors, 1);

var command = new RootCommand(
    "Search a folder of photos by example, with an encoder that has learnt from the folder alone.")
{
    photos, query, method, encoder, epochs, neighbors, store, connection, serve, output, seed,
};
command.SetAction((options, token) => Search.RunAsync(
    new(options.GetValue(photos), options.GetValue(query) ?? [], options.GetValue(method)!, options.GetValue(encoder),
    options.GetValue(epochs),
    options.GetValue(neighbors), options.GetValue(store)!, options.GetValue(connection), options.GetValue(serve),
    options.GetValue(output)!, options.GetValue(seed)), token));
return await command.Parse(args).InvokeAsync();

static void RequireAtLeast(Option<int> option, int least) => option.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < least) result.AddError($"{option.Name} must be {least} or more.");
});
