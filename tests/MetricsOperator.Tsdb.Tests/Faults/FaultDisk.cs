namespace MetricsOperator.Tsdb.Tests.Faults;

/// <summary>
/// What a machine's disk holds and what of it is durable, beside a real directory that shows what processes see. Content of a file is
/// durable as of its last sync; a name (created, renamed, deleted) once its directory was synced. A rename happens as a whole or not at all.
/// </summary>
internal sealed class FaultDisk
{
    private const int SectorBytes = 512;

    private readonly List<Change> _pending = [];
    private DirectoryNode _root = new();

    /// <param name="root">An empty directory.</param>
    public FaultDisk(string root) => Root = root;

    public string Root { get; }

    public FileNode Create(string path)
    {
        var (parent, name) = Locate(path);
        var node = new FileNode();
        Add(new Change(null, null, parent, name, node));
        parent.Entries[name] = node;
        return node;
    }

    public FileNode File(string path)
    {
        var (parent, name) = Locate(path);
        return (FileNode)parent.Entries[name];
    }

    /// <summary>Creates one level; false when it is there.</summary>
    public bool CreateDirectory(string path)
    {
        if (path.Length <= Root.Length)
        {
            return false;
        }

        var (parent, name) = Locate(path);
        if (parent.Entries.ContainsKey(name))
        {
            return false;
        }

        var node = new DirectoryNode();
        Add(new Change(null, null, parent, name, node));
        parent.Entries[name] = node;
        return true;
    }

    public void Move(string from, string to)
    {
        var (source, oldName) = Locate(from);
        var (target, newName) = Locate(to);
        var node = source.Entries[oldName];
        Add(new Change(source, oldName, target, newName, node));
        source.Entries.Remove(oldName);
        target.Entries[newName] = node;
    }

    public void Delete(string path)
    {
        var (parent, name) = Locate(path);
        if (parent.Entries.Remove(name, out var node))
        {
            Add(new Change(parent, name, null, null, node));
        }
    }

    public void SyncDirectory(string path)
    {
        var directory = Directory(path);
        foreach (var change in _pending.ToList())
        {
            if (change.From == directory || change.To == directory)
            {
                change.Apply();

                // What happened to the file's name before is history with it.
                var index = _pending.IndexOf(change);
                for (var i = index; i >= 0; i--)
                {
                    if (_pending[i].Node == change.Node)
                    {
                        _pending.RemoveAt(i);
                    }
                }
            }
        }
    }

    /// <summary>The power fails: what is not durable is there, gone or torn as the generator decides. Nobody may have a file open.</summary>
    public void LosePower(Random random)
    {
        foreach (var change in _pending)
        {
            if (random.Next(2) == 0 && change.CanApply)
            {
                change.Apply();
            }
        }

        _pending.Clear();
        Empty(Root);
        _root = Materialize(_root, Root, random);
    }

    private static void Empty(string path)
    {
        foreach (var file in System.IO.Directory.EnumerateFiles(path))
        {
            System.IO.File.Delete(file);
        }

        foreach (var directory in System.IO.Directory.EnumerateDirectories(path))
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    private static DirectoryNode Materialize(DirectoryNode directory, string path, Random random)
    {
        var result = new DirectoryNode();
        foreach (var (name, node) in directory.Durable)
        {
            var target = Path.Combine(path, name);
            Node survivor;
            if (node is DirectoryNode inner)
            {
                System.IO.Directory.CreateDirectory(target);
                survivor = Materialize(inner, target, random);
            }
            else
            {
                var content = ((FileNode)node).AfterPowerLoss(random);
                System.IO.File.WriteAllBytes(target, content);
                survivor = new FileNode(content);
            }

            result.Entries[name] = survivor;
            result.Durable[name] = survivor;
        }

        return result;
    }

    private void Add(Change change) => _pending.Add(change);

    private DirectoryNode Directory(string path)
    {
        var node = _root;
        foreach (var name in Path.GetRelativePath(Root, path).Split('/'))
        {
            if (name != ".")
            {
                node = (DirectoryNode)node.Entries[name];
            }
        }

        return node;
    }

    private (DirectoryNode Parent, string Name) Locate(string path) => (Directory(Path.GetDirectoryName(path)!), Path.GetFileName(path));

    internal abstract class Node;

    internal sealed class DirectoryNode : Node
    {
        public Dictionary<string, Node> Entries { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, Node> Durable { get; } = new(StringComparer.Ordinal);
    }

    internal sealed class FileNode(byte[] durable) : Node
    {
        private byte[] _content = durable;
        private byte[] _durable = durable;
        private int _length = durable.Length;
        private bool _isDirty;

        public FileNode()
            : this([])
        {
        }

        public void Write(ReadOnlySpan<byte> bytes, long offset)
        {
            var end = (int)offset + bytes.Length;
            SetLength(Math.Max(_length, end));
            bytes.CopyTo(_content.AsSpan((int)offset));
        }

        public void SetLength(long length)
        {
            if (ReferenceEquals(_content, _durable) || _content.Length < length)
            {
                var larger = new byte[Math.Max(length, _content.Length * 2)];
                _content.AsSpan(0, (int)Math.Min(_length, length)).CopyTo(larger);
                _content = larger;
            }
            else if (length < _length)
            {
                _content.AsSpan((int)length, _length - (int)length).Clear();
            }

            _length = (int)length;
            _isDirty = true;
        }

        public void Sync()
        {
            if (_isDirty)
            {
                _durable = _content.AsSpan(0, _length).ToArray();
                _isDirty = false;
            }
        }

        public byte[] AfterPowerLoss(Random random)
        {
            var now = _content.AsSpan(0, _length);
            if (!_isDirty || random.Next(5) == 0)
            {
                return _isDirty ? now.ToArray() : _durable;
            }

            var cut = random.Next((_length / SectorBytes) + 1) * SectorBytes;
            var mixed = new byte[_length];
            switch (random.Next(4))
            {
                case 0:
                    return _durable;

                // The end did not reach the disk, nor did the new length: up to the cut the new content, behind it the old.
                case 1:
                    var kept = Math.Max(cut, Math.Min(_durable.Length, _length));
                    _durable.AsSpan(0, Math.Min(_durable.Length, kept)).CopyTo(mixed);
                    now[..cut].CopyTo(mixed);
                    return mixed[..kept];

                // The new length is durable, the content behind the cut is not.
                case 2:
                    _durable.AsSpan(0, Math.Min(_durable.Length, _length)).CopyTo(mixed);
                    now[..cut].CopyTo(mixed);
                    return mixed;

                // The new length is durable, and each sector is the new or the old one.
                default:
                    _durable.AsSpan(0, Math.Min(_durable.Length, _length)).CopyTo(mixed);
                    for (var start = 0; start < _length; start += SectorBytes)
                    {
                        if (random.Next(2) == 0)
                        {
                            var sector = Math.Min(SectorBytes, _length - start);
                            now.Slice(start, sector).CopyTo(mixed.AsSpan(start));
                        }
                    }

                    return mixed;
            }
        }
    }

    private sealed class Change(DirectoryNode? from, string? oldName, DirectoryNode? to, string? newName, Node node)
    {
        public DirectoryNode? From => from;

        public DirectoryNode? To => to;

        public Node Node => node;

        public bool CanApply => from is null || (from.Durable.TryGetValue(oldName!, out var there) && there == node);

        public void Apply()
        {
            if (from is not null && CanApply)
            {
                from.Durable.Remove(oldName!);
            }

            if (to is not null)
            {
                to.Durable[newName!] = node;
            }
        }
    }
}
