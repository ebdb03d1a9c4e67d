using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Patching;

/// <summary>JSON patch, RFC 6902.</summary>
internal static class JsonPatch
{
    /// <exception cref="ApiStatusException">400 for a malformed patch, 422 for one that does not fit the document.</exception>
    public static JsonNode? Apply(JsonNode document, JsonArray patch)
    {
        // The document hangs below a holder so that the root can be replaced like any other value.
        var holder = new JsonObject { ["root"] = document.DeepClone() };
        foreach (var operation in patch)
        {
            if (operation is not JsonObject step)
            {
                throw ApiErrors.BadRequest("error decoding patch: an operation is no object");
            }

            Run(holder, step);
        }

        var root = holder["root"];
        holder.Remove("root");
        return root;
    }

    private static void Run(JsonObject holder, JsonObject step)
    {
        var path = Split(step.StringAt("path") ?? throw ApiErrors.BadRequest("error decoding patch: an operation has no path"));
        switch (step.StringAt("op"))
        {
            case "add":
                Add(holder, path, step["value"]?.DeepClone());
                break;
            case "remove":
                Take(holder, path);
                break;
            case "replace":
                Take(holder, path);
                Add(holder, path, step["value"]?.DeepClone());
                break;
            case "move":
                Add(holder, path, Take(holder, Split(step.StringAt("from") ?? string.Empty)));
                break;
            case "copy":
                Add(holder, path, Find(holder, Split(step.StringAt("from") ?? string.Empty))?.DeepClone());
                break;
            case "test":
                if (!JsonNode.DeepEquals(Find(holder, path), step["value"]))
                {
                    throw Unfit($"testing value {step.StringAt("path")} failed");
                }

                break;
            default:
                throw ApiErrors.BadRequest($"error decoding patch: unknown operation {JsonDocuments.ToText(step["op"])}");
        }
    }

    private static string[] Split(string pointer)
    {
        if (pointer.Length > 0 && pointer[0] != '/')
        {
            throw ApiErrors.BadRequest($"error decoding patch: path {pointer} does not start with /");
        }

        return ["root", .. pointer.Split('/').Skip(1).Select(p => p.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];
    }

    private static JsonNode? Find(JsonNode node, string[] path)
    {
        JsonNode? current = node;
        foreach (var part in path)
        {
            current = current switch
            {
                JsonObject obj when obj.ContainsKey(part) => obj[part],
                JsonArray array => array[Index(array, part, array.Count - 1)],
                _ => throw Missing(path),
            };
        }

        return current;
    }

    private static void Add(JsonObject holder, string[] path, JsonNode? value)
    {
        switch (Find(holder, path[..^1]))
        {
            case JsonObject obj:
                obj[path[^1]] = value;
                break;
            case JsonArray array:
                array.Insert(path[^1] == "-" ? array.Count : Index(array, path[^1], array.Count), value);
                break;
            default:
                throw Missing(path);
        }
    }

    private static JsonNode? Take(JsonObject holder, string[] path)
    {
        var value = Find(holder, path);
        switch (Find(holder, path[..^1]))
        {
            case JsonObject obj:
                obj.Remove(path[^1]);
                break;
            case JsonArray array:
                array.RemoveAt(Index(array, path[^1], array.Count - 1));
                break;
        }

        return value;
    }

    private static int Index(JsonArray array, string part, int last) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index <= last
            ? index
            : throw Unfit($"invalid index {part} in a list of {array.Count}");

    private static ApiStatusException Missing(string[] path) => Unfit($"the path /{string.Join('/', path[1..])} does not exist");

    private static ApiStatusException Unfit(string why) => new(422, "Invalid", $"the server rejected our request due to an error in our request: {why}", new JsonObject());
}
