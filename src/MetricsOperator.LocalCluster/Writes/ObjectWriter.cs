using System.Security.Cryptography;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.FieldOwnership;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Rules;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Writes;

/// <summary>
/// The one way into the store, for HTTP requests and for the controllers of this process: decode, default, decide, validate, record
/// ownership, store. Each write holds the store's gate from reading the current object to storing the next.
/// </summary>
internal sealed class ObjectWriter
{
    private const string NameAlphabet = "bcdfghjklmnpqrstvwxz2456789";

    /// <summary>Metadata that only the server sets.</summary>
    private static readonly string[] ServerMetadata =
        ["name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "managedFields", "selfLink"];

    private readonly ObjectStore _store;
    private readonly ResourceCatalog _catalog;
    private readonly TimeProvider _time;
    private readonly RulesContext _context;
    private readonly SchemaNode _objectMeta;
    private readonly ObjectRemover _remover;

    public ObjectWriter(ObjectStore store, ResourceCatalog catalog, TimeProvider time)
    {
        _store = store;
        _catalog = catalog;
        _time = time;
        _context = new RulesContext(store, time);
        _objectMeta = catalog.Schemas.Find("ObjectMeta");
        _remover = new ObjectRemover(store, time, (key, type, obj) => AfterWrite?.Invoke(key, type, obj));
    }

    /// <summary>Told of every stored change while the gate is held.</summary>
    public AfterWrite? AfterWrite { get; set; }

    /// <exception cref="ApiStatusException">The object is refused.</exception>
    public WriteResult Create(ResourceDefinition definition, string? ns, JsonObject body, WriteOptions options)
    {
        var obj = ObjectDecoding.Decode(definition, body, options, _objectMeta);
        lock (_store.Gate)
        {
            PrepareNew(definition, ns, obj);
            var managed = obj.Copy();
            FieldManager.Update(null, managed, SchemaOf(definition), Writer(definition, options));
            return StoreNew(definition, managed, options);
        }
    }

    /// <summary>Changes an existing object; the change sees it in the version of the request.</summary>
    /// <exception cref="ApiStatusException">The object is absent, was changed meanwhile, or the result is refused.</exception>
    public WriteResult Update(ResourceDefinition definition, string? ns, string name, ObjectChange change, WriteOptions options)
    {
        lock (_store.Gate)
        {
            var before = Find(definition, ns, name);
            var body = change(definition.Show(before.Value).Copy());
            var after = ObjectDecoding.Decode(definition, body, options, _objectMeta);
            CheckPreconditions(definition, before, after);
            after = Complete(definition, before.Value, after, options);
            FieldManager.Update(before.Value, after, SchemaOf(definition), Writer(definition, options));
            return StoreChange(definition, before, after, options);
        }
    }

    /// <summary>Server-side apply; creates the object when it is absent.</summary>
    /// <exception cref="ApiStatusException">409 for conflicts of ownership, or the result is refused.</exception>
    public WriteResult Apply(ResourceDefinition definition, string? ns, string name, JsonObject body, WriteOptions options)
    {
        if (body.At("metadata", "managedFields") is JsonArray { Count: > 0 })
        {
            throw ApiErrors.BadRequest("metadata.managedFields must be nil");
        }

        if ((body.StringAt("metadata", "name") ?? name) != name)
        {
            throw ApiErrors.BadRequest($"the name of the object ({body.StringAt("metadata", "name")}) does not match the name on the URL ({name})");
        }

        var applied = ObjectDecoding.Decode(definition, body, options, _objectMeta);
        applied.Metadata()["name"] = name;
        lock (_store.Gate)
        {
            var before = _store.Get(definition.StorageKey, Key(definition, ns, name));
            if (before is null && options.Subresource.Length > 0)
            {
                throw ApiErrors.NotFound(definition.Group, definition.Plural, name);
            }

            if (before is not null)
            {
                CheckPreconditions(definition, before, applied);
            }

            var scope = ApplyScope(definition, ns, applied, options);
            var merged = FieldManager.Apply(before?.Value, scope, SchemaOf(definition), Writer(definition, options), options.Force, m =>
            {
                if (before is null)
                {
                    PrepareNew(definition, ns, m);
                }
                else
                {
                    var completed = Complete(definition, before.Value, m, options);
                    foreach (var field in m.Select(p => p.Key).ToArray())
                    {
                        m.Remove(field);
                    }

                    foreach (var (field, value) in completed.ToArray())
                    {
                        completed.Remove(field);
                        m[field] = value;
                    }
                }
            });
            return before is null ? StoreNew(definition, merged, options) : StoreChange(definition, before, merged, options);
        }
    }

    /// <exception cref="ApiStatusException">The object is absent or protected, or a precondition does not hold.</exception>
    public WriteResult Delete(ResourceDefinition definition, string? ns, string name, DeleteOptions options)
    {
        lock (_store.Gate)
        {
            return _remover.Delete(definition, Find(definition, ns, name), options);
        }
    }

    private static ObjectKey Key(ResourceDefinition definition, string? ns, string name) => new(definition.Namespaced ? ns ?? string.Empty : string.Empty, name);

    private StoredObject Find(ResourceDefinition definition, string? ns, string name) =>
        _store.Get(definition.StorageKey, Key(definition, ns, name)) ?? throw ApiErrors.NotFound(definition.Group, definition.Plural, name);

    /// <summary>The schema of the stored form, which field ownership speaks about.</summary>
    private SchemaNode SchemaOf(ResourceDefinition definition) =>
        definition.IsCustom ? definition.Schema : _catalog.Storage(definition.StorageKey)?.Schema ?? definition.Schema;

    private FieldWriter Writer(ResourceDefinition definition, WriteOptions options) =>
        new(options.Manager, definition.StoredApiVersion == definition.ApiVersion ? definition.ApiVersion : definition.StoredApiVersion, options.Subresource, _time.GetUtcNow());

    /// <summary>Name, namespace, identity, defaults and initial status of a new object.</summary>
    private void PrepareNew(ResourceDefinition definition, string? ns, JsonObject obj)
    {
        var metadata = obj.Metadata();
        if (metadata.StringAt("resourceVersion") is { Length: > 0 })
        {
            throw ApiErrors.BadRequest("resourceVersion should not be set on objects to be created");
        }

        ResolveNamespace(definition, ns, metadata);
        foreach (var field in ServerMetadata.Except(["name", "namespace"]))
        {
            metadata.Remove(field);
        }

        if (string.IsNullOrEmpty(metadata.StringAt("name")) && metadata.StringAt("generateName") is { Length: > 0 } prefix)
        {
            metadata["name"] = prefix + RandomNumberGenerator.GetString(NameAlphabet, 5);
        }

        var name = metadata.StringAt("name") ?? string.Empty;
        if (name.Length == 0)
        {
            throw FieldError.ToException(definition.Group, definition.Kind, string.Empty, [FieldError.Required("metadata.name", "name or generateName is required")]);
        }

        if (_store.Get(definition.StorageKey, Key(definition, metadata.StringAt("namespace"), name)) is not null)
        {
            throw ApiErrors.AlreadyExists(definition.Group, definition.Plural, name);
        }

        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = JsonAccess.Timestamp(_time.GetUtcNow());
        if (definition.HasGeneration)
        {
            metadata["generation"] = 1;
        }

        if (definition.HasStatus)
        {
            obj.Remove("status");
        }

        Default(definition, obj);
        definition.Rules.PrepareForCreate(obj, _context);
        Validate(definition, obj, null, string.Empty);
    }

    private void ResolveNamespace(ResourceDefinition definition, string? ns, JsonObject metadata)
    {
        if (!definition.Namespaced)
        {
            metadata.Remove("namespace");
            return;
        }

        var inBody = metadata.StringAt("namespace");
        if (!string.IsNullOrEmpty(inBody) && !string.IsNullOrEmpty(ns) && inBody != ns)
        {
            throw ApiErrors.BadRequest($"the namespace of the provided object does not match the namespace sent on the request");
        }

        var name = string.IsNullOrEmpty(ns) ? inBody ?? "default" : ns;
        metadata["namespace"] = name;
        var home = _store.Get("namespaces", new ObjectKey(string.Empty, name)) ?? throw ApiErrors.NotFound(string.Empty, "namespaces", name);
        if (home.Value.At("metadata", "deletionTimestamp") is not null)
        {
            throw ApiErrors.Forbidden(
                definition.Group,
                definition.Plural,
                metadata.StringAt("name") ?? string.Empty,
                $"unable to create new content in namespace {name} because it is being terminated");
        }
    }

    private static void CheckPreconditions(ResourceDefinition definition, StoredObject before, JsonObject after)
    {
        var version = after.StringAt("metadata", "resourceVersion");
        if (!string.IsNullOrEmpty(version) && version != before.Value.StringAt("metadata", "resourceVersion"))
        {
            throw ApiErrors.Modified(definition.Group, definition.Plural, before.Key.Name);
        }

        var uid = after.UidOf();
        if (uid.Length > 0 && uid != before.Value.UidOf())
        {
            throw ApiErrors.Conflict(definition.Group, definition.Plural, before.Key.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {before.Value.UidOf()}");
        }

        if (after.NameOf() is { Length: > 0 } name && name != before.Key.Name)
        {
            throw ApiErrors.BadRequest($"the name of the object ({name}) does not match the name on the URL ({before.Key.Name})");
        }
    }

    /// <summary>The next version of an object: what the client may change from the request, the rest from the current one.</summary>
    private JsonObject Complete(ResourceDefinition definition, JsonObject before, JsonObject requested, WriteOptions options)
    {
        JsonObject after;
        if (options.Subresource == "status")
        {
            after = before.Copy();
            Take(requested, after, "status");
            if (!definition.IsCustom && requested.ObjectAt("metadata") is { } metadata)
            {
                Take(metadata, after.Metadata(), "labels");
                Take(metadata, after.Metadata(), "annotations");
            }
        }
        else
        {
            after = requested.Copy();
            if (definition.HasStatus)
            {
                Take(before, after, "status");
            }

            foreach (var field in ServerMetadata)
            {
                Take(before.Metadata(), after.Metadata(), field);
            }
        }

        // A status write validates the whole object but must not fail for fields it cannot change.
        Default(definition, after);
        definition.Rules.PrepareForUpdate(after, before, _context);
        if (definition.HasGeneration && options.Subresource != "status" && !JsonNode.DeepEquals(Desired(definition, before), Desired(definition, after)))
        {
            after.Metadata()["generation"] = (before.LongAt("metadata", "generation") ?? 0) + 1;
        }

        Validate(definition, after, before, options.Subresource);
        return after;
    }

    private static void Take(JsonObject from, JsonObject to, string field)
    {
        if (from.TryGetPropertyValue(field, out var value) && value is not null)
        {
            to[field] = value.DeepClone();
        }
        else
        {
            to.Remove(field);
        }
    }

    private static JsonObject Desired(ResourceDefinition definition, JsonObject obj)
    {
        var copy = obj.Copy();
        copy.Remove("metadata");
        if (definition.HasStatus)
        {
            copy.Remove("status");
        }

        return copy;
    }

    /// <summary>The part of an applied document that the endpoint it was sent to may set.</summary>
    private static JsonObject ApplyScope(ResourceDefinition definition, string? ns, JsonObject applied, WriteOptions options)
    {
        var scope = applied.Copy();
        if (options.Subresource == "status")
        {
            foreach (var field in scope.Select(p => p.Key).Where(k => k is not ("apiVersion" or "kind" or "metadata" or "status")).ToArray())
            {
                scope.Remove(field);
            }
        }
        else if (definition.HasStatus)
        {
            scope.Remove("status");
        }

        var metadata = scope.Metadata();
        foreach (var field in ServerMetadata.Except(["name"]))
        {
            metadata.Remove(field);
        }

        if (definition.Namespaced)
        {
            metadata["namespace"] = ns;
        }

        foreach (var (field, value) in metadata.ToArray())
        {
            if (value is null)
            {
                metadata.Remove(field);
            }
        }

        return scope;
    }

    private void Default(ResourceDefinition definition, JsonObject obj)
    {
        SchemaDefaults.Apply(obj, SchemaOf(definition));
        definition.Rules.Default(obj);
    }

    private void Validate(ResourceDefinition definition, JsonObject obj, JsonObject? before, string subresource)
    {
        var errors = new List<FieldError>();
        ObjectNames.ValidateMetadata(obj, definition.Rules, errors);
        if (definition.IsCustom)
        {
            var body = obj.Copy();
            body.Remove("metadata");
            SchemaValidation.Validate(body, WithoutMetadata(definition.Schema), string.Empty, errors);
        }
        else if (subresource != "status")
        {
            ValidateBuiltin(SchemaOf(definition), obj, errors);
            definition.Rules.Validate(obj, errors);
        }

        if (before is not null && subresource != "status")
        {
            definition.Rules.ValidateUpdate(obj, before, errors);
        }

        if (errors.Count > 0)
        {
            throw FieldError.ToException(definition.Group, definition.Kind, obj.NameOf(), [.. errors.Distinct()]);
        }
    }

    /// <summary>Required fields and enumerations of everything but metadata and status, which the server and its controllers write.</summary>
    private static void ValidateBuiltin(SchemaNode schema, JsonObject obj, List<FieldError> errors)
    {
        foreach (var (name, field) in schema.Properties)
        {
            if (name is "metadata" or "status")
            {
                continue;
            }

            if (obj[name] is { } value)
            {
                SchemaValidation.Validate(value, field, name, errors);
            }
            else if (schema.Required.Contains(name))
            {
                errors.Add(FieldError.Required(name));
            }
        }
    }

    private static SchemaNode WithoutMetadata(SchemaNode schema)
    {
        if (!schema.Required.Contains("metadata"))
        {
            return schema;
        }

        var copy = new SchemaNode { Type = "object", Shared = schema.Shared };
        foreach (var (name, field) in schema.Properties)
        {
            copy.Properties[name] = field;
        }

        copy.Required.UnionWith(schema.Required.Except(["metadata"]));
        return copy;
    }

    private WriteResult StoreNew(ResourceDefinition definition, JsonObject obj, WriteOptions options)
    {
        if (options.DryRun)
        {
            return new WriteResult(obj, 0, 0);
        }

        var stored = _store.Put(definition.StorageKey, Key(definition, obj.NamespaceOf(), obj.NameOf()), obj);
        AfterWrite?.Invoke(definition.StorageKey, WatchEventType.Added, stored.Value);
        return new WriteResult(stored.Value, 0, stored.Revision);
    }

    private WriteResult StoreChange(ResourceDefinition definition, StoredObject before, JsonObject after, WriteOptions options)
    {
        after.Metadata()["resourceVersion"] = before.Value.StringAt("metadata", "resourceVersion");
        if (JsonNode.DeepEquals(after, before.Value) || options.DryRun)
        {
            return new WriteResult(options.DryRun ? after : before.Value, before.Revision, before.Revision);
        }

        if (_remover.IsFinished(definition, after))
        {
            var gone = _store.Remove(definition.StorageKey, before.Key, after);
            AfterWrite?.Invoke(definition.StorageKey, WatchEventType.Deleted, gone.Value);
            return new WriteResult(gone.Value, before.Revision, gone.Revision, Gone: true);
        }

        var stored = _store.Put(definition.StorageKey, before.Key, after);
        AfterWrite?.Invoke(definition.StorageKey, WatchEventType.Modified, stored.Value);
        return new WriteResult(stored.Value, before.Revision, stored.Revision);
    }
}
