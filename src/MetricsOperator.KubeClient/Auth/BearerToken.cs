namespace MetricsOperator.KubeClient.Auth;

/// <summary>A token, fixed or in a file that something else rewrites. The file is read again at most every minute, and at once after the server refused the token.</summary>
internal sealed class BearerToken(string? literal, string? file, TimeProvider time)
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(60);
    private readonly Lock _gate = new();
    private readonly string? _file = file;
    private string? _value = literal;
    private long? _readAt;

    /// <summary>The token to send now; null for none.</summary>
    /// <exception cref="KubeConfigException">The file cannot be read and there is no older or fixed token.</exception>
    public string? Current()
    {
        if (_file is null)
        {
            return _value;
        }

        lock (_gate)
        {
            if (_readAt is null || time.GetElapsedTime(_readAt.Value) >= MaxAge)
            {
                Read();
            }

            return _value;
        }
    }

    /// <summary>The server refused <paramref name="refused"/>: reads the file again. True when there is another token to try.</summary>
    public bool Refresh(string? refused)
    {
        if (_file is null)
        {
            return false;
        }

        lock (_gate)
        {
            Read();
            return _value != refused;
        }
    }

    private void Read()
    {
        try
        {
            var text = File.ReadAllText(_file!).Trim();
            if (text.Length > 0)
            {
                _value = text;
            }

            _readAt = time.GetTimestamp();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A token that worked a minute ago is better than none; the server decides whether it is still good.
            if (_value is null)
            {
                throw new KubeConfigException($"cannot read the token file {_file}: {e.Message}", e);
            }
        }
    }
}
