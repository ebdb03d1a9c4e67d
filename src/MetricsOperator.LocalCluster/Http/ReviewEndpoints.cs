using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Security;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>Questions about identities and permissions, asked by creating a review.</summary>
internal sealed class ReviewEndpoints(RbacAuthorizer authorizer, ServiceAccountTokens tokens)
{
    public async Task CreateAsync(ApiRequest request)
    {
        var (body, _) = await RequestBody.ReadObjectAsync(request.Http.Request, request.Aborted);
        var answer = body.Copy();
        answer["apiVersion"] = request.Definition.ApiVersion;
        answer["kind"] = request.Definition.Kind;
        answer.Metadata();
        answer["status"] = request.Definition.Kind switch
        {
            "SelfSubjectAccessReview" => Access(request.User, body),
            "SubjectAccessReview" or "LocalSubjectAccessReview" => Access(SubjectOf(body), body),
            "SelfSubjectRulesReview" => Rules(request.User, body.StringAt("spec", "namespace") ?? string.Empty),
            "TokenReview" => Token(body.StringAt("spec", "token") ?? string.Empty),
            "SelfSubjectReview" => new JsonObject { ["userInfo"] = request.User.ToJson() },
            _ => throw ApiErrors.MethodNotAllowed(),
        };
        await ResponseWriter.JsonAsync(request.Http, answer, 201);
    }

    private static UserIdentity SubjectOf(JsonObject body)
    {
        var name = body.StringAt("spec", "user") ?? string.Empty;
        return new UserIdentity(name, body.StringsAt("spec", "groups"), body.StringAt("spec", "uid") ?? string.Empty);
    }

    private JsonObject Access(UserIdentity user, JsonObject body)
    {
        AccessQuestion question;
        if (body.ObjectAt("spec", "nonResourceAttributes") is { } path)
        {
            question = new AccessQuestion(path.StringAt("verb") ?? string.Empty, string.Empty, string.Empty, string.Empty, string.Empty, string.Empty, path.StringAt("path") ?? string.Empty);
        }
        else
        {
            var resource = body.ObjectAt("spec", "resourceAttributes")
                ?? throw ApiErrors.BadRequest("spec: exactly one of nonResourceAttributes or resourceAttributes must be specified");
            question = new AccessQuestion(
                resource.StringAt("verb") ?? string.Empty,
                resource.StringAt("group") ?? string.Empty,
                resource.StringAt("resource") ?? string.Empty,
                resource.StringAt("subresource") ?? string.Empty,
                resource.StringAt("namespace") ?? string.Empty,
                resource.StringAt("name") ?? string.Empty);
        }

        var (allowed, reason) = authorizer.Decide(user, question);
        var status = new JsonObject { ["allowed"] = allowed };
        if (reason.Length > 0)
        {
            status["reason"] = reason;
        }

        return status;
    }

    private JsonObject Rules(UserIdentity user, string ns)
    {
        var resources = new JsonArray();
        var paths = new JsonArray();
        foreach (var rule in authorizer.RulesOf(user, ns))
        {
            var json = new JsonObject { ["verbs"] = JsonAccess.StringArray(rule.Verbs) };
            if (rule.Paths.Count > 0)
            {
                json["nonResourceURLs"] = JsonAccess.StringArray(rule.Paths);
                paths.Add(json);
                continue;
            }

            json["apiGroups"] = JsonAccess.StringArray(rule.Groups);
            json["resources"] = JsonAccess.StringArray(rule.Resources);
            if (rule.Names.Count > 0)
            {
                json["resourceNames"] = JsonAccess.StringArray(rule.Names);
            }

            resources.Add(json);
        }

        return new JsonObject { ["resourceRules"] = resources, ["nonResourceRules"] = paths, ["incomplete"] = false };
    }

    private JsonObject Token(string token) => tokens.Validate(token, out var audiences) is { } user
        ? new JsonObject { ["authenticated"] = true, ["user"] = user.ToJson(), ["audiences"] = JsonAccess.StringArray(audiences) }
        : new JsonObject { ["authenticated"] = false, ["error"] = "invalid bearer token" };
}
