using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace EmbeddingService;

/// <summary>The key that a request shows, where one is asked for.</summary>
internal static class ServiceKey
{
    private const string Header = "X-Api-Key", Bearer = "Bearer ";

    /// <summary>Whether the request may come in; hashes are compared, which takes as long whatever is shown.</summary>
    public static bool Opens(string? key, HttpRequest request)
    {
        if (key is null) return true;
        string? shown = request.Headers[Header];
        if (shown is null && request.Headers.Authorization.ToString() is var authorization
            && authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            shown = authorization[Bearer.Length..].Trim();
        return shown is not null && CryptographicOperations.FixedTimeEquals(Hash(shown), Hash(key));
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
