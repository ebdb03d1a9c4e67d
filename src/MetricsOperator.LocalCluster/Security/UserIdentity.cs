using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Security;

/// <summary>Who makes a request.</summary>
internal sealed record UserIdentity(string Name, IReadOnlyList<string> Groups, string Uid = "", IReadOnlyDictionary<string, string>? Extra = null)
{
    public static readonly UserIdentity Anonymous = new("system:anonymous", ["system:unauthenticated"]);

    /// <summary>As TokenReview and SelfSubjectReview show it.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["username"] = Name, ["groups"] = JsonAccess.StringArray(Groups) };
        if (Uid.Length > 0)
        {
            json["uid"] = Uid;
        }

        if (Extra is { Count: > 0 })
        {
            var extra = new JsonObject();
            foreach (var (key, value) in Extra)
            {
                extra[key] = new JsonArray(value);
            }

            json["extra"] = extra;
        }

        return json;
    }
}
