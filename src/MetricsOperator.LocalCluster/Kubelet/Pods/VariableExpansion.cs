using System.Text;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>Kubernetes' <c>$(NAME)</c> expansion in commands, arguments and environment values.</summary>
internal static class VariableExpansion
{
    /// <summary>Replaces <c>$(NAME)</c> by the variable's value; an unknown name stays as written, <c>$$</c> is a plain dollar sign.</summary>
    public static string Expand(string text, IReadOnlyDictionary<string, string> variables)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }

            switch (text[i + 1])
            {
                case '$':
                    result.Append('$');
                    i++;
                    break;
                case '(' when text.IndexOf(')', i + 2) is var close and > 0:
                    result.Append(variables.TryGetValue(text[(i + 2)..close], out var value) ? value : text[i..(close + 1)]);
                    i = close;
                    break;
                default:
                    result.Append('$');
                    break;
            }
        }

        return result.ToString();
    }
}
