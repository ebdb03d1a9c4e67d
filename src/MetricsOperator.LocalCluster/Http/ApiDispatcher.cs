using MetricsOperator.LocalCluster.Auditing;
using MetricsOperator.LocalCluster.Metrics;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Security;
using MetricsOperator.LocalCluster.Store;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>The way of every request: who is it, what does it want, may it, do it; then count and audit it.</summary>
internal sealed class ApiDispatcher(
    ResourceCatalog catalog,
    Authenticator authenticator,
    RbacAuthorizer authorizer,
    ResourceEndpoints resources,
    PlainEndpoints plain,
    ApiMetrics metrics,
    AuditLog audit,
    TimeProvider time,
    ILogger log)
{
    private static readonly string[] WriteVerbs = ["create", "update", "patch", "delete", "deletecollection"];

    public async Task HandleAsync(HttpContext http)
    {
        var started = time.GetTimestamp();
        var info = RequestInfo.Parse(http.Request);
        var write = WriteVerbs.Contains(info.Verb);
        var longRunning = info.Verb == "watch" || info.Subresource == "log";
        var user = UserIdentity.Anonymous;
        ApiRequest? request = null;
        if (longRunning)
        {
            metrics.LongRunning(MetricVerb(http, info), info.Group, info.Resource, 1);
        }
        else
        {
            metrics.Began(write);
        }

        try
        {
            user = Impersonate(http, authenticator.Authenticate(http));
            request = new ApiRequest(http, info, user);
            Authorize(user, info);
            await DispatchAsync(request, info);
        }
        catch (ApiStatusException e)
        {
            await RefuseAsync(http, e);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            log.LogDebug("{Method} {Path} was abandoned by the client", http.Request.Method, http.Request.Path);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogError(e, "{Method} {Path} failed", http.Request.Method, http.Request.Path);
            await RefuseAsync(http, new ApiStatusException(500, "InternalError", $"Internal error occurred: {e.Message}"));
        }
        finally
        {
            if (longRunning)
            {
                metrics.LongRunning(MetricVerb(http, info), info.Group, info.Resource, -1);
            }
            else
            {
                metrics.Ended(write);
            }

            Record(http, info, user, request, time.GetElapsedTime(started));
        }
    }

    private async Task DispatchAsync(ApiRequest request, RequestInfo info)
    {
        if (!info.IsResource)
        {
            await plain.HandleAsync(request);
            return;
        }

        request.Definition = catalog.Find(info.Group, info.Version, info.Resource) ?? throw ApiErrors.UnknownPath();
        if (request.Definition.DeprecationWarning is { } warning)
        {
            request.Warn(warning);
        }

        await resources.HandleAsync(request);
    }

    /// <summary>The user that the request wants to act as (<c>kubectl --as</c>), if the caller may impersonate it.</summary>
    private UserIdentity Impersonate(HttpContext http, UserIdentity caller)
    {
        var name = http.Request.Headers["Impersonate-User"].ToString();
        string[] groups = [.. http.Request.Headers["Impersonate-Group"].OfType<string>()];
        if (name.Length == 0)
        {
            return groups.Length == 0 ? caller : throw ApiErrors.BadRequest("requested impersonation of groups without impersonating a user");
        }

        foreach (var (resource, wanted) in groups.Select(g => ("groups", g)).Prepend(("users", name)))
        {
            if (!authorizer.Decide(caller, new AccessQuestion("impersonate", string.Empty, resource, string.Empty, string.Empty, wanted)).Allowed)
            {
                throw ApiErrors.Forbidden(string.Empty, resource, wanted, $"User \"{caller.Name}\" cannot impersonate resource \"{resource}\" in API group \"\" at the cluster scope");
            }
        }

        if (groups.Length == 0 && name.StartsWith("system:serviceaccount:", StringComparison.Ordinal) && name.Split(':') is [_, _, var ns, _])
        {
            groups = ["system:serviceaccounts", $"system:serviceaccounts:{ns}"];
        }

        return new UserIdentity(name, [.. groups, "system:authenticated"]);
    }

    private void Authorize(UserIdentity user, RequestInfo info)
    {
        var question = info.IsResource
            ? new AccessQuestion(info.Verb, info.Group, info.Resource, info.Subresource, info.Namespace, info.Name)
            : new AccessQuestion(info.Verb, string.Empty, string.Empty, string.Empty, string.Empty, string.Empty, info.Path);
        if (authorizer.Decide(user, question).Allowed)
        {
            return;
        }

        if (!info.IsResource)
        {
            throw new ApiStatusException(403, "Forbidden", $"forbidden: User \"{user.Name}\" cannot {info.Verb} path \"{info.Path}\"", []);
        }

        var where = info.Namespace.Length > 0 && info.Resource != "namespaces" ? $" in the namespace \"{info.Namespace}\"" : " at the cluster scope";
        throw ApiErrors.Forbidden(
            info.Group,
            info.Resource,
            info.Name,
            $"User \"{user.Name}\" cannot {info.Verb} resource \"{question.FullResource}\" in API group \"{info.Group}\"{where}");
    }

    private async Task RefuseAsync(HttpContext http, ApiStatusException error)
    {
        if (http.Response.HasStarted)
        {
            log.LogWarning("{Method} {Path} broke off after the answer began: {Message}", http.Request.Method, http.Request.Path, error.Message);
            http.Abort();
            return;
        }

        await ResponseWriter.StatusAsync(http, error);
    }

    private void Record(HttpContext http, RequestInfo info, UserIdentity user, ApiRequest? request, TimeSpan took)
    {
        var verb = info.Verb == "patch" && RequestBody.MediaType(http.Request) == "application/apply-patch+yaml" ? "apply" : info.Verb;
        var code = http.Response.StatusCode;
        if (info.IsResource)
        {
            var scope = info.Name.Length > 0 ? "resource" : info.Namespace.Length > 0 ? "namespace" : "cluster";
            metrics.Answered(verb == "apply" ? "APPLY" : MetricVerb(http, info), info.Group, info.Version, info.Resource, info.Subresource, scope, code, took);
        }
        else
        {
            metrics.Answered(http.Request.Method, string.Empty, string.Empty, string.Empty, PathClass(info.Path), string.Empty, code, took);
        }

        var resource = !info.IsResource ? info.Path : ApiErrors.Qualified(info.Resource, info.Group) + (info.Subresource.Length > 0 ? $"/{info.Subresource}" : string.Empty);
        audit.Write(new AuditEntry(user.Name, verb, resource, info.Namespace, request?.WrittenName ?? info.Name, code, request?.RevisionBefore ?? 0, request?.RevisionAfter ?? 0));
    }

    /// <summary>Bounded set of values for paths that are no resources.</summary>
    private static string PathClass(string path)
    {
        var end = path.IndexOf('/', Math.Min(1, path.Length));
        return end < 0 ? path : path[..end];
    }

    private static string MetricVerb(HttpContext http, RequestInfo info) => info.Verb switch
    {
        "list" => "LIST",
        "watch" => "WATCH",
        "get" => "GET",
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        "delete" or "deletecollection" => "DELETE",
        _ => http.Request.Method,
    };
}
