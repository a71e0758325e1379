using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using MLNet.Ssl.Weights;
using static System.FormattableString;

namespace MLNet.Ssl.Pretrained;

/// <summary>The download of a file into this library's cache; of an index, with the files that it names.</summary>
internal sealed class WeightDownload
{
    private const int MostRedirects = 8, BufferBytes = 1 << 18;

    private static readonly TimeSpan ReportEvery = TimeSpan.FromMilliseconds(100),
        LookAtLockEvery = TimeSpan.FromMilliseconds(200);

    private static readonly HttpClient Client = new(new SocketsHttpHandler
    {
        // Followed here: the token goes to no other server, and Hugging Face tells the hash before it redirects.
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(30),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    private readonly PretrainedFile _file;
    private readonly PretrainedDownloadOptions _options;
    private readonly IProgress<PretrainedDownloadProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly Uri _address;
    private readonly string? _token;
    private readonly string _path, _partial, _validatorPath, _pin;

    /// <summary>Size and hash as the server tells them.</summary>
    private long? _total;
    private string? _toldHash;

    private WeightDownload(PretrainedModel model, PretrainedFile file, WeightCaches caches,
        PretrainedDownloadOptions options,
        IProgress<PretrainedDownloadProgress>? progress, CancellationToken cancellation)
    {
        _file = file;
        (_options, _progress, _cancellation) = (options, progress, cancellation);
        _path = caches.PathOf(model, _file);
        (_partial, _validatorPath, _pin) = (_path + ".partial", _path + ".partial.etag", _path + ".sha256");
        string own = _file.IsOnHuggingFace
            ? caches.HuggingFaceEndpoint
            : _file.Location.GetLeftPart(UriPartial.Authority);
        string path = _file.IsOnHuggingFace
            ? $"{_file.Repository}/resolve/main/{_file.PathInRepository}"
            : _file.Location.PathAndQuery.TrimStart('/');
        _address = new($"{(options.Mirror ?? own).TrimEnd('/')}/{path}");
        if (_file.IsOnHuggingFace && options.Mirror is null) _token = caches.HuggingFaceToken;
        _total = _file.Bytes;
    }

    /// <exception cref="InvalidDataException">The server's file has another size or hash than it should.</exception>
    /// <exception cref="InvalidOperationException">The weights are not to be downloaded.</exception>
    /// <exception cref="IOException">The server cannot be reached or has no such file, or there is no room.</exception>
    public static async Task<string> RunAsync(
        PretrainedModel model, WeightCaches caches, PretrainedDownloadOptions options,
        IProgress<PretrainedDownloadProgress>? progress, CancellationToken cancellation)
    {
        if (model.AskAt is not null) throw new InvalidOperationException(PretrainedModels.Refusal(model));
        if (caches.IsOffline)
        {
            throw new InvalidOperationException(
                $"The weights of {model.Name} are not on this machine, and HF_HUB_OFFLINE forbids to download them.");
        }
        string path = await OneAsync(model.Files[0]).ConfigureAwait(false);
        if (model.Files[0].IsIndex)
            foreach (var shard in Shards(model.Files[0], path)) await OneAsync(shard).ConfigureAwait(false);
        return path;

        async Task<string> OneAsync(PretrainedFile file)
        {
            var download = new WeightDownload(model, file, caches, options, progress, cancellation);
            Directory.CreateDirectory(Path.GetDirectoryName(download._path)!);
            using var held = await download.LockAsync().ConfigureAwait(false);
            // Another process may have done it meanwhile, or an earlier call some of the files of an index.
            return caches.Has(model, file) ? download._path : await download.FetchAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The files of an index; one that is none is thrown away.</summary>
    private static List<PretrainedFile> Shards(PretrainedFile index, string path)
    {
        try
        {
            List<PretrainedFile> shards = [.. ShardedSafeTensors.FilesOf(path).Select(index.Beside)];
            foreach (var shard in shards) shard.Validate();
            return shards;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException)
        {
            File.Delete(path);
            throw new InvalidDataException($"'{index.Address}' is refused, and is thrown away: {e.Message}", e);
        }
    }

    /// <summary>The lock is the process's hold of a file, which ends with it.</summary>
    private async Task<FileStream> LockAsync()
    {
        string path = _path + ".lock";
        for (bool isFirst = true; ; isFirst = false)
        {
            _cancellation.ThrowIfCancellationRequested();
            try
            {
                return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                if (isFirst) Say(false, $"Another process downloads '{_path}': it is waited for.");
                await Task.Delay(LookAtLockEvery, _cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task<string> FetchAsync()
    {
        for (int tries = 0; !await TryAsync(tries == _options.Retries).ConfigureAwait(false); tries++)
        {
            // Soon at first: most connections that are cut can be made again.
            var pause = TimeSpan.FromMilliseconds(Math.Min(10_000, 100 << Math.Min(tries, 10)));
            await Task.Delay(pause, _cancellation).ConfigureAwait(false);
        }
        CheckHash();
        File.Move(_partial, _path, overwrite: true);
        File.Delete(_validatorPath);
        return _path;
    }

    /// <summary>True when the partial file is whole; false when the connection failed and another may be
    /// tried.</summary>
    private async Task<bool> TryAsync(bool isLast)
    {
        try
        {
            await ReceiveAsync().ConfigureAwait(false);
            return true;
        }
        catch (CutException e)
        {
            long there = Length(_partial);
            string of = _total is { } total ? Invariant($" of {total:N0}") : "",
                where = Invariant($"'{_address}' after {there:N0}{of} bytes");
            if (isLast)
            {
                throw new IOException(string.Create(CultureInfo.InvariantCulture,
                    $"The download of {where} ended: {e.Message} Another call goes on with '{_partial}'."),
                    e.InnerException);
            }
            Say(true, string.Create(
                CultureInfo.InvariantCulture, $"The connection to {where} was cut, and is made again: {e.Message}"));
            return false;
        }
    }

    private async Task ReceiveAsync()
    {
        long start = Length(_partial);
        string? validator = File.Exists(_validatorPath) ? File.ReadAllText(_validatorPath) : null;
        // Without either nobody would notice that the server's file has changed since.
        if (start > 0 && validator is null && _file.Sha256 is null) start = 0;
        if (start > 0 && start == _total) return;
        if (start > _total) start = 0;
        using var response = await Network(() => RequestAsync(start, validator)).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            File.Delete(_partial);
            throw new CutException("the server has no such part of it, so that it begins anew.");
        }
        CheckStatus(response);
        if (response.StatusCode != HttpStatusCode.PartialContent) start = 0;
        else if (response.Content.Headers.ContentRange?.From is { } from && from != start)
            throw new IOException($"'{_address}' sends the bytes from {from} in place of those from {start}.");
        CheckSize(start, response);
        if (start == 0)
        {
            File.Delete(_validatorPath);
            if (response.Headers.ETag is { IsWeak: false } tag) File.WriteAllText(_validatorPath, tag.Tag);
        }
        CheckRoom((_total ?? 0) - start);
        await CopyAsync(response, start).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> RequestAsync(long start, string? validator)
    {
        var address = _address;
        for (int redirects = 0; redirects <= MostRedirects; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.UserAgent.Add(new("MLNet.Ssl", null));
            // Packed, it could not be resumed.
            request.Headers.AcceptEncoding.Add(new("identity"));
            if (_token is not null && address.Authority == _address.Authority && address.Scheme == _address.Scheme)
                request.Headers.Authorization = new("Bearer", _token);
            if (start > 0)
            {
                request.Headers.Range = new(start, null);
                if (EntityTagHeaderValue.TryParse(validator, out var tag)) request.Headers.IfRange = new(tag);
            }
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
            patience.CancelAfter(_options.Timeout);
            var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token)
                .ConfigureAwait(false);
            TakeTold(response);
            bool leads = (int)response.StatusCode is 301 or 302 or 303 or 307 or 308;
            if (!leads || response.Headers.Location is not { } location) return response;
            response.Dispose();
            var next = new Uri(address, location);
            if (next.Scheme != "https" && next.Scheme != address.Scheme)
                throw new IOException($"'{address}' leads to '{next}', which is not encrypted.");
            address = next;
        }
        throw new IOException($"'{_address}' leads to more than {MostRedirects} other addresses.");
    }

    /// <summary>Hugging Face names the SHA-256 of large files.</summary>
    private void TakeTold(HttpResponseMessage response)
    {
        if (_file.IsOnHuggingFace && response.Headers.TryGetValues("X-Linked-Etag", out var tags)
            && tags.First().Trim('"') is { Length: 64 } hash && hash.All(char.IsAsciiHexDigit))
        {
            _toldHash = hash;
        }
    }

    private void CheckStatus(HttpResponseMessage response)
    {
        int status = (int)response.StatusCode;
        if (response.IsSuccessStatusCode) return;
        string answer = $"the server answers {status} ({response.ReasonPhrase}).";
        if (status is 408 or 429 or >= 500) throw new CutException(answer);
        bool isGated = _file.IsOnHuggingFace && status is 401 or 403;
        throw new IOException($"'{_address}' cannot be downloaded: {answer}"
            + (isGated ? " Accept the model's terms on its page, and set HF_TOKEN." : ""));
    }

    private void CheckSize(long start, HttpResponseMessage response)
    {
        if (response.Content.Headers.ContentLength is not { } length) return;
        if (_file.Bytes is { } bytes && bytes != start + length)
        {
            File.Delete(_partial);
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture,
                $"'{_address}' has {start + length:N0} bytes; expected {bytes:N0}: it is another file."));
        }
        _total = start + length;
    }

    private void CheckRoom(long bytes)
    {
        long free;
        try
        {
            free = new DriveInfo(Path.GetDirectoryName(_path)!).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A place that does not tell: writing will.
            return;
        }
        if (free >= bytes) return;
        throw NoRoom(string.Create(
            CultureInfo.InvariantCulture, $"it takes {bytes:N0} bytes more, and {free:N0} are free"), null);
    }

    private async Task CopyAsync(HttpResponseMessage response, long start)
    {
        var buffer = new byte[BufferBytes];
        long done = start, reported = 0;
        await using var body =
            await Network(() => response.Content.ReadAsStreamAsync(_cancellation)).ConfigureAwait(false);
        var mode = start == 0 ? FileMode.Create : FileMode.Open;
        using var file = Disk(() => new FileStream(_partial, mode, FileAccess.Write, FileShare.Read, bufferSize: 0));
        Disk(() => file.Seek(start, SeekOrigin.Begin));
        for (int read; (read = await Network(() => ReadAsync(body, buffer)).ConfigureAwait(false)) > 0;)
        {
            if (done + read > (_file.Bytes ?? long.MaxValue))
            {
                Disk(() => file.SetLength(0));
                throw new InvalidDataException(
                    $"'{_address}' is longer than the {_file.Bytes} bytes that it should have.");
            }
            Disk(() => file.Write(buffer, 0, read));
            done += read;
            if (Environment.TickCount64 - reported < ReportEvery.TotalMilliseconds) continue;
            reported = Environment.TickCount64;
            _progress?.Report(new(done, _total));
        }
        Disk(() => file.Flush(flushToDisk: true));
        if (done < _total) throw new CutException("it ends early.");
        _progress?.Report(new(done, _total));
    }

    private async Task<int> ReadAsync(Stream body, byte[] buffer)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_cancellation);
        patience.CancelAfter(_options.Timeout);
        return await body.ReadAsync(buffer, patience.Token).ConfigureAwait(false);
    }

    private void CheckHash()
    {
        string hash;
        using (var file = File.OpenRead(_partial)) hash = Convert.ToHexStringLower(SHA256.HashData(file));
        string? pinned = File.Exists(_pin) ? File.ReadAllText(_pin).Trim() : null;
        foreach (string? expected in new[] { _file.Sha256, _toldHash, _file.Sha256 is null ? pinned : null })
        {
            if (expected is null || hash.StartsWith(expected, StringComparison.OrdinalIgnoreCase)) continue;
            File.Delete(_partial);
            File.Delete(_validatorPath);
            throw new InvalidDataException(
                $"'{_address}' is not the file that it should be, and is thrown away: its SHA-256 is {hash}; "
                + $"expected {expected}" + (expected == pinned ? $", as at the first download ('{_pin}')." : "."));
        }
        if (_file.Sha256 is not null || pinned is not null) return;
        Disk(() => File.WriteAllText(_pin, hash));
        Say(true, $"No SHA-256 is known for '{_address}'; that of the file received, {hash}, is pinned in '{_pin}'.");
    }

    private async Task<T> Network<T>(Func<Task<T>> action)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!_cancellation.IsCancellationRequested)
        {
            throw new CutException(Invariant($"the server was silent for {_options.Timeout.TotalSeconds:0.###} s."), e);
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException
            or IOException { InnerException: SocketException })
        {
            throw new CutException($"{e.Message.TrimEnd('.')}.", e);
        }
    }

    private void Disk(Action action) => Disk(() =>
    {
        action();
        return true;
    });

    private T Disk<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        // .NET reports a file that may not grow further (a quota, FAT's 4 GiB) as an argument out of range.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            throw NoRoom(e.Message.TrimEnd('.'), e);
        }
    }

    private IOException NoRoom(string why, Exception? inner) => new(
        $"'{_partial}' cannot be written: {why}. What is there is kept, and another call goes on with it; "
        + $"{nameof(PretrainedDownloadOptions.CacheFolder)} may name a folder with more room.", inner);

    private void Say(bool isWarning, string text) => _options.Log?.Invoke(new(isWarning, text));

    private static long Length(string path) => File.Exists(path) ? new FileInfo(path).Length : 0;

    /// <summary>The connection failed; another may do.</summary>
    private sealed class CutException(string message, Exception? inner = null) : Exception(message, inner);
}
