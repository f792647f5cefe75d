// mesos-master, mesos-agent and mesos-containerizer around the prebuilt libmesos
// found inside the mesos.scheduler egg.  One program; the name it is called by
// (or its first argument) says which.
#include "abi.h"
#include <cstdio>
#include <cxxabi.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace host {
namespace {

[[noreturn]] void die(const Str& why) {
  fprintf(stderr, "%s\n", why.c_str());
  exit(1);
}

template <class T> T& must(Try<T>&& t, const char* what) {
  if (!t.ok()) die(Str(what) + ": " + t.error.t.message);
  return *new T(t.data.t);
}

void makeDirs(const Str& path) {
  for (size_t i = 1; i <= path.size(); ++i)
    if (i == path.size() || path[i] == '/')
      mkdir(path.substr(0, i).c_str(), 0755);
}

// The flags::FlagsBase inside a flags object, wherever its virtual bases lie.
flags::Base* baseOf(void* object, const char* ownTypeinfo) {
  auto* own = static_cast<const std::type_info*>(dlsym(RTLD_DEFAULT, ownTypeinfo));
  auto* base = static_cast<const std::type_info*>(
      dlsym(RTLD_DEFAULT, "_ZTIN5flags9FlagsBaseE"));
  if (!own || !base) die("the library exports no type information for its flags: is it another build?");
  void* p = object;
  if (!own->__do_upcast(
          static_cast<const abi::__class_type_info*>(base), &p))
    die("the library's flags are laid out otherwise than expected: is it another build?");
  return static_cast<flags::Base*>(p);
}

struct Flags {
  void* object;
  flags::Base* base;

  Flags(void (*construct)(void*), const char* typeinfo, size_t size = 1 << 16)
      : object(block(size)) {
    construct(object);
    base = baseOf(object, typeinfo);
  }

  Option<Str> get(const Str& name) const {
    auto it = base->all.find(name);
    if (it == base->all.end()) die("this version has no flag --" + name);
    return reinterpret_cast<const flags::Stringify&>(it->second.stringify_)(*base);
  }
  Str str(const Str& name) const {
    Option<Str> v = get(name);
    return v.some() ? v.t : Str();
  }
  bool on(const Str& name) const { return str(name) == "true"; }

  void load(const char* prefix, int argc, char** argv) {
    auto t = flagsLoad(base, Option<Str>(Str(prefix)), argc, argv, false, false);
    if (base->help) {
      printf("%s\n", flagsUsage(base, Option<Str>()).c_str());
      exit(0);
    }
    if (!t.ok()) die(t.error.t.message);
    for (auto& w : t.data.t.list)
      fprintf(stderr, "warning: %s\n", w.message.c_str());
  }
};

// "10secs", "1.5mins" ... to nanoseconds, as the flags print them.
Duration duration(const Str& s) {
  size_t end = 0;
  double n = std::stod(s, &end);
  Str unit = s.substr(end);
  double by = unit == "ns" ? 1 : unit == "us" ? 1e3 : unit == "ms" ? 1e6
    : unit == "secs" ? 1e9 : unit == "mins" ? 60e9 : unit == "hrs" ? 3600e9
    : unit == "days" ? 86400e9 : unit == "weeks" ? 604800e9 : 0;
  if (by == 0) die("\"" + s + "\" is no duration (10secs, 5mins, 1hrs ...)");
  return Duration{static_cast<int64_t>(n * by)};
}

void listenAs(const Flags& f) {
  if (f.get("ip").some()) setenv("LIBPROCESS_IP", f.str("ip").c_str(), 1);
  setenv("LIBPROCESS_PORT", f.str("port").c_str(), 1);
  if (f.get("advertise_ip").some())
    setenv("LIBPROCESS_ADVERTISE_IP", f.str("advertise_ip").c_str(), 1);
  if (f.get("advertise_port").some())
    setenv("LIBPROCESS_ADVERTISE_PORT", f.str("advertise_port").c_str(), 1);
  setenv("LIBPROCESS_MEMORY_PROFILING", "false", 1);
}

// A flag as it was given, from the command line or else the environment, with
// the contents of the file if it names one.
Option<Str> given(const Str& name, int argc, char** argv) {
  Option<Str> v;
  Str env = "MESOS_";
  for (char c : name) env += toupper(c);
  if (const char* e = getenv(env.c_str())) v = Option<Str>(Str(e));
  Str dashed = "--" + name + "=";
  for (int i = 1; i < argc; ++i)
    if (!strncmp(argv[i], dashed.c_str(), dashed.size()))
      v = Option<Str>(Str(argv[i] + dashed.size()));
  if (!v.some()) return v;
  Str path = v.t;
  if (path.compare(0, 7, "file://") == 0) path = path.substr(7);
  if (path.compare(0, 1, "/") == 0) {
    std::ifstream in(path);
    if (!in) die("--" + name + ": the file " + path + " cannot be read");
    std::stringstream text;
    text << in.rdbuf();
    v = Option<Str>(text.str());
  }
  return v;
}

// Where ZooKeeper is, which may stand in a file of its own so that its credentials are in nobody's process list.
Option<Str> coordinates(const Str& name, int argc, char** argv) {
  Option<Str> v = given(name, argc, argv);
  if (v.some())
    while (!v.t.empty() && isspace(static_cast<unsigned char>(v.t.back()))) v.t.pop_back();
  return v;
}

// logging::initialize wants an Option<logging::Flags>: one that has taken its
// own flags from the same command line.
void startLogging(int argc, char** argv) {
  char* o = static_cast<char*>(block(1 << 14));
  void* own = o + 8;                         // o[0..3] = 0: there is one
  logFlags(own);
  flagsLoad(baseOf(own, "_ZTIN5mesos8internal7logging5FlagsE"),
      Option<Str>(Str("MESOS_")), argc, argv, true, false);
  logInitialize(Str(argv[0]), true, o);
}

// What the real programs do with these is not done here; better to say so.
void refuse(const Flags& f, std::initializer_list<const char*> names) {
  for (const char* n : names)
    if (f.base->all.count(n) && f.get(n).some() && f.str(n) != "false")
      die(Str("--") + n + ": this build of Mesos has no support for it");
}

Option<void*> authorizerFor(const Str& name, int argc, char** argv) {
  Option<void*> authorizer;
  if (name != "local") {
    authorizer = Option<void*>(must(authorizerByName(name), "authorizer"));
  } else {
    Option<Str> acls = given("acls", argc, argv);
    if (!acls.some()) return authorizer;
    Opaque parsed = parseAcls(acls.t);
    if (*reinterpret_cast<int*>(parsed.b)) die("--acls: this is no JSON of access control lists");
    authorizer = Option<void*>(must(authorizerFromAcls(parsed.b + 8), "authorizer"));
  }
  authorizationInstall(authorizationCallbacks(authorizer.t));
  return authorizer;
}

void plugIn(const Flags& f) {
  if (f.get("modules_dir").some())
    must(modulesLoadDir(f.str("modules_dir")), "modules");
  if (f.get("hooks").some()) must(hooksInitialize(f.str("hooks")), "hooks");
}

void serveVersion() {
  void* v = block(1 << 14);
  versionProcess(v);
  processSpawn(onlyVirtualBase(v), true);
}

[[noreturn]] void runForever(void* process) {
  Opaque pid = processSpawn(onlyVirtualBase(process), false);
  processWait(pid, Duration{-1000000000});
  _exit(0);
}

// Without ZooKeeper a master leads by being appointed.  The library does that
// from its main(); here a contender of our own does it at the moment the master
// hands over its MasterInfo.
struct Appointing {
  virtual ~Appointing() {}
  virtual void initialize(const void* info) {
    real->initialize(info);
    char* some = static_cast<char*>(block(1 << 13));   // Option<MasterInfo>
    masterInfoCopy(some + 8, info);
    standaloneAppoint(detector, some);
  }
  virtual Shared contend() { return real->contend(); }
  Appointing* real;
  void* detector;
};

int master(int argc, char** argv) {
  Flags f(masterFlags, "_ZTIN5mesos8internal6master5FlagsE");
  f.load("MESOS_", argc, argv);
  startLogging(argc, argv);
  listenAs(f);
  Option<Str> ro(Str("mesos-master-readonly")), rw(Str("mesos-master-readwrite"));
  if (!processInitialize(Option<Str>(Str("master")), rw, ro))
    die("libprocess has been started before the host program could set it up");
  serveVersion();
  plugIn(f);
  refuse(f, {"modules", "firewall_rules", "agent_removal_rate_limit",
             "ip_discovery_command"});
  if (f.str("allocator") != "hierarchical" || f.str("role_sorter") != "drf" ||
      f.str("framework_sorter") != "drf")
    die("--allocator, --role_sorter, --framework_sorter: this build has hierarchical and drf only");

  void* allocator = block();
  drfAllocator(allocator);

  Option<Str> zk = coordinates("zk", argc, argv);
  Duration session = duration(f.str("zk_session_timeout"));
  void* storage = block();
  Str registry = f.str("registry");
  if (registry == "in_memory") {
    inMemoryStorage(storage);
  } else {
    if (!f.get("work_dir").some()) die("--work_dir is missing: the registry is kept there");
    Str dir = f.str("work_dir");
    makeDirs(dir);
    void* log = block();
    bool init = f.on("log_auto_initialize");
    if (zk.some()) {
      if (!f.get("quorum").some()) die("--quorum is missing: with --zk, say how many masters must agree");
      Str url = zk.t;
      if (url.compare(0, 5, "zk://")) die("--zk: an address like zk://host:2181,host:2181/mesos is wanted");
      url = url.substr(5);
      size_t slash = url.find('/');
      Str servers = url.substr(0, slash);
      Str path = slash == Str::npos ? "" : url.substr(slash);
      while (!path.empty() && path.back() == '/') path.pop_back();
      struct Auth { Str scheme, credentials; };
      Option<Auth> auth;
      size_t at = servers.rfind('@');
      if (at != Str::npos) {
        auth = Option<Auth>(Auth{"digest", servers.substr(0, at)});
        servers = servers.substr(at + 1);
      }
      replicatedLogZk(log, atoi(f.str("quorum").c_str()), dir + "/replicated_log",
          servers, session, path + "/log_replicas", &auth, init,
          Option<Str>(Str("registrar/")));
    } else {
      replicatedLog(log, 1, dir + "/replicated_log", std::set<int>(), init,
          Option<Str>(Str("registrar/")));
    }
    logStorage(storage, log, 0);
  }
  State* state = new State;
  state->storage = storage;
  void* registrar = block();
  registrarInit(registrar, f.object, state, ro);

  void* contender = must(contenderCreate(zk, f.get("master_contender"),
      Option<Duration>(session)), "contender");
  void* detector = must(detectorCreate(zk, f.get("master_detector"),
      Option<Duration>(session)), "detector");
  if (!zk.some() && !f.get("master_detector").some()) {
    auto* a = new Appointing;
    a->real = static_cast<Appointing*>(contender);
    a->detector = detector;
    contender = a;
  }
  Option<void*> authorizer = authorizerFor(f.str("authorizers"), argc, argv);
  void* files = block(1 << 14);
  filesInit(files, ro, authorizer);
  void* m = block(1 << 20);
  masterInit(m, allocator, registrar, files, contender, detector, authorizer,
      Option<Shared>(), f.object);
  runForever(m);
}

// The agent's /containerizer/debug asks a tracker that only its own main()
// makes; here there is none, so the library's code for it is overwritten with a
// jump to this stand-in, which answers with an empty JSON object.
Shared noDebug(const void*) {
  Shared future;
  readyObject(&future, std::map<Str, int>());
  return future;
}
void withoutDebug() {
  auto* code = static_cast<unsigned char*>(dlsym(RTLD_DEFAULT,
      "_ZNK5mesos8internal5slave4Http19_containerizerDebugEv"));
  if (!code) return;
  uintptr_t page = reinterpret_cast<uintptr_t>(code) & ~uintptr_t(4095);
  void* start = reinterpret_cast<void*>(page);
  if (mprotect(start, 8192, PROT_READ | PROT_WRITE | PROT_EXEC)) return;
  Shared (*target)(const void*) = noDebug;
  memcpy(code, "\x48\xb8", 2);                     // mov $target, %rax
  memcpy(code + 2, &target, 8);
  memcpy(code + 10, "\xff\xe0", 2);                // jmp *%rax
  mprotect(start, 8192, PROT_READ | PROT_EXEC);
}

int agent(int argc, char** argv) {
  Flags f(agentFlags, "_ZTIN5mesos8internal5slave5FlagsE");
  // Where this package's helpers are; the command line and the environment come first.
  bool ours = !getenv("MESOS_LAUNCHER_DIR");
  if (ours) setenv("MESOS_LAUNCHER_DIR", MESOS_LAUNCHER_DIR, 1);
  f.load("MESOS_", argc, argv);
  if (ours) unsetenv("MESOS_LAUNCHER_DIR");
  startLogging(argc, argv);
  if (f.get("master").some() == f.get("master_detector").some())
    die("either --master or --master_detector must be given");
  listenAs(f);
  Str id = "slave(1)";
  Option<Str> ro(Str("mesos-agent-readonly")), rw(Str("mesos-agent-readwrite"));
  if (!processInitialize(Option<Str>(id), rw, ro))
    die("libprocess has been started before the host program could set it up");
  serveVersion();
  plugIn(f);
  refuse(f, {"modules", "firewall_rules", "ip_discovery_command",
             "ip6_discovery_command", "agent_subsystems",
             "csi_plugin_config_dir", "http_executor_domain_sockets"});

  makeDirs(f.str("work_dir"));
  makeDirs(f.str("runtime_dir"));
  void* fetcher = block(1 << 14);
  agentFetcher(fetcher, f.object);
  void* gc = block(1 << 14);
  agentCollector(gc, f.str("work_dir"));
  void* secrets = must(secretResolverCreate(f.get("secret_resolver")), "secrets");
  void* gids = nullptr;
  if (f.get("volume_gid_range").some())
    gids = must(gidManagerCreate(f.object), "volume gids");
  void* generator = nullptr;
  if (f.get("jwt_secret_key").some()) {
    Str path = f.str("jwt_secret_key");
    if (path.compare(0, 7, "file://") == 0) path = path.substr(7);
    std::ifstream in(path);
    std::stringstream key;
    key << in.rdbuf();
    generator = block(1 << 14);
    jwtGenerator(generator, key.str());
  }
  void* containerizer = must(containerizerCreate(f.object, false, fetcher, gc,
      secrets, gids, nullptr
#if MESOS_MINOR >= 11
      , nullptr
#endif
      ), "containerizer");
  void* detector = must(detectorCreate(coordinates("master", argc, argv), f.get("master_detector"),
      Option<Duration>(duration(f.str("zk_session_timeout")))), "detector");
  Option<void*> authorizer = authorizerFor(f.str("authorizer"), argc, argv);
  void* files = block(1 << 14);
  filesInit(files, ro, authorizer);
  void* updates = block(1 << 14);
  statusUpdates(updates, f.object);
  void* estimator = must(estimatorCreate(f.get("resource_estimator")), "estimator");
  void* qos = must(qosCreate(f.get("qos_controller")), "QoS controller");
  withoutDebug();
  int noSocket[64] = {1};
  Shared noCsi;
  (void)noCsi;
  void* a = block(1 << 20);
  agentInit(a, id, f.object, detector, containerizer, files, gc, updates,
      estimator, qos, generator, gids, nullptr,
#if MESOS_MINOR >= 11
      noCsi,
#endif
      noSocket, authorizer);
  runForever(a);
}

// "mesos-containerizer launch ...": the agent's go-between that sets a
// container up and becomes its executor; "network-cni-setup" prepares the
// network files of one on a CNI network.  Both are subclasses of a Subcommand
// (virtual table, name, then their own flags).
int containerizer(int argc, char** argv) {
  Str name = argc > 1 ? argv[1] : "";
  const char* type = name == "launch" ? "24MesosContainerizerLaunch"
      : name == "network-cni-setup" ? "23NetworkCniIsolatorSetup" : nullptr;
  if (!type) die("mesos-containerizer: the first argument is launch or network-cni-setup");
  auto find = [&](const char* before, const char* after) {
    void* p = dlsym(RTLD_DEFAULT,
        (Str(before) + "N5mesos8internal5slave" + type + after).c_str());
    if (!p) die("mesos-containerizer: the library has no " + name);
    return p;
  };
  auto construct = reinterpret_cast<void (*)(void*)>(find("_Z", "5FlagsC1Ev"));
  auto getFlags = reinterpret_cast<flags::Base* (*)(void*)>(
      find("_Z", "8getFlagsEv"));
  auto execute = reinterpret_cast<int (*)(void*)>(find("_Z", "7executeEv"));
  char* o = static_cast<char*>(block(1 << 16));
  *reinterpret_cast<void**>(o) = static_cast<char*>(find("_ZTV", "E")) + 16;
  new (o + 8) Str(name);
  // Where the flags sit in it follows from where the library looks for their
  // virtual base, and from how far that base is from their start.
  char* trial = static_cast<char*>(block(1 << 14));
  construct(trial);
  flags::Base* base = getFlags(o);
  construct(reinterpret_cast<char*>(base) -
      (static_cast<char*>(onlyVirtualBase(trial)) - trial));
  auto t = flagsLoad(base, Option<Str>(Str("MESOS_CONTAINERIZER_")), argc - 1,
      argv + 1, false, false);
  if (!t.ok()) die(t.error.t.message);
  return execute(o);
}

} // namespace

Opaque::Opaque(const Opaque&) { abort(); }

static int run(int argc, char** argv) {
  auto leaf = [](const char* p) {
    const char* s = strrchr(p, '/');
    return Str(s ? s + 1 : p);
  };
  Str name = leaf(argv[0]);
  if (name == "mesos-host" && argc > 1) {
    name = argv[1];
    ++argv;
    --argc;
  }
  // Before the flags are read: that would insist on the required ones.
  for (int i = 1; i < argc && name != "mesos-containerizer"; ++i)
    if (!strcmp(argv[i], "--version")) {
      puts("mesos " MESOS_VERSION);
      return 0;
    }
  if (name == "mesos-master") return master(argc, argv);
  if (name == "mesos-agent" || name == "mesos-slave") return agent(argc, argv);
  if (name == "mesos-containerizer") return containerizer(argc, argv);
  die("usage: mesos-host mesos-master|mesos-agent|mesos-containerizer ...");
}

} // namespace host

int main(int argc, char** argv) { return host::run(argc, argv); }
