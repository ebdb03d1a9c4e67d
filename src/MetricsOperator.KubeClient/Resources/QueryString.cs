using System.Globalization;
using System.Text;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>Builds a path with a query; absent values are left out.</summary>
internal struct QueryString(string path)
{
    private readonly StringBuilder _text = new(path);
    private bool _hasQuery;

    public QueryString Add(string name, string? value)
    {
        if (value is not null)
        {
            _text.Append(_hasQuery ? '&' : '?').Append(name).Append('=').Append(Uri.EscapeDataString(value));
            _hasQuery = true;
        }

        return this;
    }

    public QueryString Add(string name, long? value) => Add(name, value?.ToString(CultureInfo.InvariantCulture));

    public QueryString Add(string name, bool value) => value ? Add(name, "true") : this;

    public override readonly string ToString() => _text.ToString();
}
