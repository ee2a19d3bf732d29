#include "src/hdf5_file.h"

#include <fcntl.h>
#include <hdf5.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "src/errors.h"
#include "src/hdf5_id.h"
#include "src/pack_chunk.h"

namespace tideline {

namespace {

constexpr std::size_t first_buffer_rows = 64;
/// Below this many bytes a chunk's index costs more than compression saves.
constexpr std::size_t compress_from = 4096;
constexpr unsigned deflate_level = 1;
constexpr std::size_t deflate_rows = 65536;
/// So many full blocks of a group are between two flushes.
constexpr std::uint64_t blocks_between_flushes = 4;
/// So many full blocks bring the rows of all groups to the file.
constexpr std::uint64_t blocks_between_full_flushes = 256;
constexpr std::size_t page_bytes = 4096;

/// Where HDF5's bytes go. After the first error it swallows all writes: HDF5 1.10 leaks, retries or crashes when a write fails while it
/// closes a file, so it is never told, and the file is discarded.
///
/// What is below `kept` belongs to the state that the last flush left: it changes in `changes` only, until publish() writes them.
struct Sink {
  using Page = std::array<std::byte, page_bytes>;
  int fd = -1;
  int error = 0;
  haddr_t end = 0;
  haddr_t kept = page_bytes;        ///< whole pages; from the start the first one, without which nobody takes the file for HDF5
  std::map<haddr_t, Page> changes;  ///< by number of the page
};

haddr_t whole_pages(haddr_t address) { return (address + page_bytes - 1) / page_bytes * page_bytes; }

void put(Sink& sink, haddr_t address, const std::byte* from, std::size_t size) {
  while (size > 0 && sink.error == 0) {
    const ssize_t put = ::pwrite(sink.fd, from, size, static_cast<off_t>(address));
    if (put < 0 && errno == EINTR) {
      continue;
    }
    if (put <= 0) {
      sink.error = put < 0 ? errno : ENOSPC;
      break;
    }
    from += put;
    size -= static_cast<std::size_t>(put);
    address += static_cast<haddr_t>(put);
  }
}

/// Reads what is in the file; zeros beyond its end.
void get(Sink& sink, haddr_t address, std::byte* to, std::size_t size) {
  while (size > 0 && sink.error == 0) {
    const ssize_t got = ::pread(sink.fd, to, size, static_cast<off_t>(address));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      sink.error = errno;
    }
    if (got <= 0) {
      break;
    }
    to += got;
    size -= static_cast<std::size_t>(got);
    address += static_cast<haddr_t>(got);
  }
  std::memset(to, 0, size);
}

// The copy of what a flush is about to write: for each page its number and its bytes, then this, at the very end of the file.
struct Copy {
  static constexpr std::array<char, 16> mark{'t', 'i', 'd', 'e', 'l', 'i', 'n', 'e', ' ', 'f', 'l', 'u', 's', 'h', ' ', '1'};
  static constexpr std::size_t entry_bytes = sizeof(haddr_t) + page_bytes;
  haddr_t end = 0;  ///< of the file without the copy
  std::uint64_t pages = 0;
  std::uint64_t checksum = 0;  ///< of the pages
  std::array<char, 16> marked_with = mark;
};

/// Of whole words: a copy has nothing else.
std::uint64_t checksum_of(const std::vector<std::byte>& bytes) {
  std::uint64_t sum = bytes.size();
  for (std::size_t k = 0; k + sizeof sum <= bytes.size(); k += sizeof sum) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + k, sizeof word);
    sum = std::rotl((sum ^ word) * 0x9e3779b97f4a7c15u, 29);
  }
  return sum;
}

void write_pages(Sink& sink) {
  for (const auto& [number, page] : sink.changes) {
    const haddr_t address = number * page_bytes;
    if (address < sink.end) {
      put(sink, address, page.data(), std::min<haddr_t>(page_bytes, sink.end - address));
    }
  }
}

/// Makes what was written the state that a kill leaves. One page is written whole or not at all; before several, a copy is.
void publish(Sink& sink) {
  if (sink.changes.size() > 1) {
    std::vector<std::byte> bytes;
    bytes.reserve(sink.changes.size() * Copy::entry_bytes + sizeof(Copy));
    const auto append = [&bytes](const void* from, std::size_t size) {
      const auto* at = static_cast<const std::byte*>(from);
      bytes.insert(bytes.end(), at, at + size);
    };
    for (const auto& [number, page] : sink.changes) {
      append(&number, sizeof number);
      append(page.data(), page.size());
    }
    Copy copy;
    copy.end = sink.end;
    copy.pages = sink.changes.size();
    copy.checksum = checksum_of(bytes);
    append(&copy, sizeof copy);
    put(sink, sink.end, bytes.data(), bytes.size());
  }
  write_pages(sink);
  if (sink.error == 0 && ::ftruncate(sink.fd, static_cast<off_t>(sink.end)) != 0) {
    sink.error = errno;
  }
  sink.changes.clear();
  sink.kept = std::max<haddr_t>(page_bytes, whole_pages(sink.end));
}

// The driver: HDF5's POSIX driver in small, with the Sink's treatment of errors and without reuse of space.

struct DriverFile {
  H5FD_t base;
  Sink* sink;
  haddr_t space;
};

DriverFile& driver_file(H5FD_t* file) { return *reinterpret_cast<DriverFile*>(file); }
const DriverFile& driver_file(const H5FD_t* file) { return *reinterpret_cast<const DriverFile*>(file); }

H5FD_t* driver_open(const char*, unsigned, hid_t access, haddr_t) {
  const void* info = H5Pget_driver_info(access);
  if (info == nullptr) {
    return nullptr;
  }
  auto* file = new (std::nothrow) DriverFile{};
  if (file == nullptr) {
    return nullptr;
  }
  file->sink = *static_cast<Sink* const*>(info);
  return &file->base;
}

herr_t driver_close(H5FD_t* file) {
  delete &driver_file(file);
  return 0;
}

int driver_compare(const H5FD_t* a, const H5FD_t* b) {
  const std::less<const Sink*> before;
  const Sink* x = driver_file(a).sink;
  const Sink* y = driver_file(b).sink;
  return before(x, y) ? -1 : before(y, x) ? 1 : 0;
}

herr_t driver_query(const H5FD_t*, unsigned long* flags) {
  if (flags != nullptr) {
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA;
#ifdef H5FD_FEAT_DEFAULT_VFD_COMPATIBLE
    *flags |= H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
#endif
  }
  return 0;
}

// Freed space would be given out again at the end of the file: flushed bytes would be written over, and a kill leave a broken file.
herr_t driver_free(H5FD_t*, H5FD_mem_t, hid_t, haddr_t, hsize_t) { return 0; }

haddr_t driver_space(const H5FD_t* file, H5FD_mem_t) { return driver_file(file).space; }

herr_t driver_set_space(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  driver_file(file).space = address;
  return 0;
}

haddr_t driver_end(const H5FD_t* file, H5FD_mem_t) { return driver_file(file).sink->end; }

herr_t driver_read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) {
  Sink& sink = *driver_file(file).sink;
  auto* to = static_cast<std::byte*>(buffer);
  get(sink, address, to, size);
  const haddr_t end = address + size;
  for (auto changed = sink.changes.lower_bound(address / page_bytes); changed != sink.changes.end(); ++changed) {
    const haddr_t begin = changed->first * page_bytes;
    if (begin >= end) {
      break;
    }
    const haddr_t from = std::max(address, begin);
    const haddr_t until = std::min<haddr_t>(end, begin + page_bytes);
    std::memcpy(to + (from - address), changed->second.data() + (from - begin), until - from);
  }
  return 0;
}

herr_t driver_write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, const void* buffer) {
  Sink& sink = *driver_file(file).sink;
  const auto* from = static_cast<const std::byte*>(buffer);
  sink.end = std::max(sink.end, address + size);
  while (size > 0 && address < sink.kept && sink.error == 0) {
    const std::size_t within = address % page_bytes;
    const std::size_t part = std::min(size, page_bytes - within);
    const auto [page, fresh] = sink.changes.try_emplace(address / page_bytes);
    if (fresh) {
      get(sink, address - within, page->second.data(), page_bytes);
    }
    std::memcpy(page->second.data() + within, from, part);
    from += part;
    size -= part;
    address += part;
  }
  put(sink, address, from, size);
  return 0;
}

herr_t driver_truncate(H5FD_t* file, hid_t, hbool_t) {
  Sink& sink = *driver_file(file).sink;
  const haddr_t space = driver_file(file).space;
  if (sink.end != space) {
    if (sink.error == 0 && ::ftruncate(sink.fd, static_cast<off_t>(space)) != 0) {
      sink.error = errno;
    }
    sink.end = space;
  }
  return 0;
}

hid_t register_driver() {
  static constexpr H5FD_mem_t one_list_for_data_one_for_the_rest[] = H5FD_FLMAP_DICHOTOMY;
  H5FD_class_t driver{};
#ifdef H5FD_CLASS_VERSION
  driver.version = H5FD_CLASS_VERSION;
  driver.value = 500;  // from the range that HDF5 leaves to private drivers
#endif
  driver.name = "tideline";
  driver.maxaddr = (haddr_t{1} << 62) - 1;
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.fapl_size = sizeof(Sink*);  // NOLINT(bugprone-sizeof-expression): HDF5 is to copy the pointer
  driver.open = driver_open;
  driver.close = driver_close;
  driver.cmp = driver_compare;
  driver.query = driver_query;
  driver.free = driver_free;
  driver.get_eoa = driver_space;
  driver.set_eoa = driver_set_space;
  driver.get_eof = driver_end;
  driver.read = driver_read;
  driver.write = driver_write;
  driver.truncate = driver_truncate;
  std::copy(std::begin(one_list_for_data_one_for_the_rest), std::end(one_list_for_data_one_for_the_rest), std::begin(driver.fl_map));
  return H5FDregister(&driver);
}

struct Types {
  hid_t file;
  hid_t memory;
  std::size_t width;
};

Types types_of(ColumnType type) {
  switch (type) {
    case ColumnType::float64:
      return {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 8};
    case ColumnType::float32:
      return {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 4};
    case ColumnType::int64:
      return {H5T_STD_I64LE, H5T_NATIVE_INT64, 8};
    case ColumnType::uint64:
      return {H5T_STD_U64LE, H5T_NATIVE_UINT64, 8};
    case ColumnType::int32:
      return {H5T_STD_I32LE, H5T_NATIVE_INT32, 4};
    case ColumnType::uint32:
      return {H5T_STD_U32LE, H5T_NATIVE_UINT32, 4};
    case ColumnType::uint16:
      return {H5T_STD_U16LE, H5T_NATIVE_UINT16, 2};
    case ColumnType::uint8:
      return {H5T_STD_U8LE, H5T_NATIVE_UINT8, 1};
  }
  throw std::logic_error("unknown column type");
}

std::unique_ptr<ColumnBuffer> make_column(ColumnType type, const BlockFill& fill) {
  switch (type) {
    case ColumnType::float64:
      return std::make_unique<Column<double>>(fill);
    case ColumnType::float32:
      return std::make_unique<Column<float>>(fill);
    case ColumnType::int64:
      return std::make_unique<Column<std::int64_t>>(fill);
    case ColumnType::uint64:
      return std::make_unique<Column<std::uint64_t>>(fill);
    case ColumnType::int32:
      return std::make_unique<Column<std::int32_t>>(fill);
    case ColumnType::uint32:
      return std::make_unique<Column<std::uint32_t>>(fill);
    case ColumnType::uint16:
      return std::make_unique<Column<std::uint16_t>>(fill);
    case ColumnType::uint8:
      return std::make_unique<Column<std::uint8_t>>(fill);
  }
  throw std::logic_error("unknown column type");
}

bool is_float(ColumnType type) { return type == ColumnType::float64 || type == ColumnType::float32; }
bool is_signed(ColumnType type) { return type == ColumnType::int64 || type == ColumnType::int32; }

bool all_zero(const std::byte* values, std::size_t bytes) {
  // The first one is, and each equals the one before it.
  return bytes == 0 || (values[0] == std::byte{0} && std::memcmp(values, values + 1, bytes - 1) == 0);
}

std::string checked_text(std::string_view value) {
  if (value.find('\0') != std::string_view::npos) {
    throw std::logic_error("a string for a results file contains NUL");  // HDF5 would cut it there
  }
  return std::string(value);
}

std::string message_of(int error) { return std::system_category().message(error); }

herr_t first_description(unsigned, const H5E_error2_t* entry, void* to) {
  auto& text = *static_cast<std::string*>(to);
  if (text.empty() && entry->desc != nullptr) {
    text = entry->desc;
  }
  return 0;
}

std::filesystem::path incomplete_name(const std::filesystem::path& final_path) {
  std::filesystem::path name = final_path;
  if (name.extension() == ".h5") {
    name.replace_extension();
  }
  name += ".incomplete.h5";
  return name;
}

}  // namespace

std::unique_lock<std::mutex> hdf5_lock() {
  static std::mutex mutex;
  static bool initialised = false;
  std::unique_lock lock(mutex);
  if (!initialised) {
    // All is closed by owners; a file that HDF5 failed to close must not be tried again at exit.
    H5dont_atexit();
    initialised = true;
  }
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // a setting of the thread where HDF5 is built thread-safe
  return lock;
}

bool recover_results(const std::filesystem::path& path) {
  const auto fail = [&path](const std::string& reason) { throw WorldError("cannot recover '" + path.string() + "': " + reason); };
  struct Closing {
    Sink sink;
    ~Closing() {
      if (sink.fd >= 0) {
        ::close(sink.fd);
      }
    }
  } file;
  Sink& sink = file.sink;
  sink.fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (sink.fd < 0) {
    fail(message_of(errno));
  }
  if (::flock(sink.fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    fail("a run is writing it");
  }
  struct stat facts = {};
  if (::fstat(sink.fd, &facts) != 0) {
    fail(message_of(errno));
  }
  const auto size = static_cast<haddr_t>(facts.st_size);
  Copy copy;
  if (size < sizeof copy) {
    return false;
  }
  get(sink, size - sizeof copy, reinterpret_cast<std::byte*>(&copy), sizeof copy);
  if (copy.marked_with != Copy::mark || copy.pages > size / Copy::entry_bytes ||
      copy.end + copy.pages * Copy::entry_bytes + sizeof copy != size) {
    return false;
  }
  std::vector<std::byte> bytes(copy.pages * Copy::entry_bytes);
  get(sink, copy.end, bytes.data(), bytes.size());
  if (checksum_of(bytes) != copy.checksum) {
    return false;
  }
  for (std::size_t k = 0; k < copy.pages; ++k) {
    const std::byte* entry = bytes.data() + k * Copy::entry_bytes;
    haddr_t number = 0;
    std::memcpy(&number, entry, sizeof number);
    std::memcpy(sink.changes[number].data(), entry + sizeof number, page_bytes);
  }
  sink.end = copy.end;
  write_pages(sink);
  if (sink.error == 0 && ::ftruncate(sink.fd, static_cast<off_t>(sink.end)) != 0) {
    sink.error = errno;
  }
  if (sink.error != 0) {
    fail(message_of(sink.error));
  }
  return true;
}

void ColumnBuffer::swap() {
  std::swap(filling_, writing_);
  std::swap(filling_bytes_, writing_bytes_);
  next_ = filling_.get();
  end_ = next_ + filling_bytes_;
}

void ColumnBuffer::copy() {
  if (writing_bytes_ < filling_bytes_) {
    writing_ = std::make_unique_for_overwrite<std::byte[]>(filling_bytes_);
    writing_bytes_ = filling_bytes_;
  }
  std::memcpy(writing_.get(), filling_.get(), fill_->rows * width_);
}

void ColumnBuffer::release() {
  filling_.reset();
  writing_.reset();
  filling_bytes_ = writing_bytes_ = 0;
  next_ = end_ = nullptr;
}

void ColumnBuffer::grow() {
  const std::size_t bytes = std::min(fill_->limit, std::max(first_buffer_rows, 2 * filling_bytes_ / width_)) * width_;
  if (bytes <= filling_bytes_) {
    throw std::logic_error("a column got more than one value in a row, or one after its group was finished");
  }
  auto larger = std::make_unique_for_overwrite<std::byte[]>(bytes);
  if (filling_bytes_ > 0) {
    std::memcpy(larger.get(), filling_.get(), filling_bytes_);
  }
  next_ = larger.get() + filling_bytes_;
  end_ = larger.get() + bytes;
  filling_ = std::move(larger);
  filling_bytes_ = bytes;
}

struct ColumnGroup::State {
  std::string path;
  std::vector<ColumnSpec> specs;
  std::vector<std::unique_ptr<ColumnBuffer>> columns;
  std::vector<Hdf5Id> datasets;  // open once the first block was written
  BlockFill fill;
  std::uint64_t handed_over = 0;    // rows, in full blocks
  std::size_t handed_over_too = 0;  // of the block being filled
  std::uint64_t writing_from = 0;
  std::size_t writing_rows = 0;
  std::uint64_t written = 0;  // rows
  hsize_t chunk = 0;          // rows of one
  bool grows = false;         // it has more than one block
  bool in_flight = false;
  bool finished = false;
};

/// The thread that writes belongs to the file: `queue` and the group's `in_flight` are guarded by `mutex`; what a group in flight has to
/// write belongs to the writer until it is no longer in flight.
struct ResultsFile::State {
  std::filesystem::path final_path;
  std::filesystem::path part_path;
  std::unique_ptr<Sink> sink = std::make_unique<Sink>();
  Hdf5Id file;
  bool part_exists = false;
  bool committed = false;
  std::vector<std::unique_ptr<ColumnGroup::State>> groups;
  std::uint64_t full_blocks = 0;
  ChunkPacker packer;

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<ColumnGroup::State*> queue;
  std::exception_ptr failure;
  bool stopping = false;
  std::thread writer;

  explicit State(std::filesystem::path path) : final_path(std::move(path)), part_path(final_path) { part_path += ".part"; }

  ~State() {
    {
      const std::lock_guard lock(mutex);
      if (!failure) {
        failure = std::make_exception_ptr(std::logic_error("the results file is being discarded"));
      }
    }
    stop_writer();
    close_quietly();
    if (part_exists && !committed) {
      ::unlink(part_path.c_str());
    }
    if (sink && sink->fd >= 0) {
      ::close(sink->fd);
    }
  }

  [[noreturn]] void fail(const std::string& reason) const { throw WorldError("cannot write '" + part_path.string() + "': " + reason); }

  /// Throws for the system's error if there was one, else, where `ok` is false, for HDF5's.
  void check(bool ok) const {
    if (sink->error != 0) {
      fail(message_of(sink->error));
    }
    if (!ok) {
      std::string reason;
      H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_description, &reason);
      fail("HDF5: " + (reason.empty() ? std::string("unknown error") : reason));
    }
  }
  void require(herr_t result) const { check(result >= 0); }
  Hdf5Id own(hid_t id, Hdf5Id::Closer closer) const {
    Hdf5Id owner(id, closer);
    check(id >= 0);
    return owner;
  }

  void open() {
    std::error_code error;
    if (final_path.has_parent_path()) {
      std::filesystem::create_directories(final_path.parent_path(), error);
      if (error) {
        throw WorldError("cannot create the folder '" + final_path.parent_path().string() + "': " + error.message());
      }
    }
    if (std::filesystem::is_directory(final_path, error)) {
      throw WorldError("cannot write '" + final_path.string() + "': " + message_of(EISDIR));
    }
    sink->fd = ::open(part_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (sink->fd < 0) {
      fail(message_of(errno));
    }
    // Held until after the rename: a second run with the same output must not cut this one's file short.
    if (::flock(sink->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      fail("another run is writing it");
    }
    struct stat opened = {};
    struct stat named = {};
    if (::fstat(sink->fd, &opened) != 0 || ::stat(part_path.c_str(), &named) != 0 || opened.st_ino != named.st_ino ||
        opened.st_dev != named.st_dev) {
      fail("another run has just finished it");
    }
    part_exists = true;
    if (::ftruncate(sink->fd, 0) != 0) {
      fail(message_of(errno));
    }

    const auto lock = hdf5_lock();
    static const hid_t driver = register_driver();
    check(driver >= 0);
    const Hdf5Id access = own(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    const Sink* target = sink.get();
    require(H5Pset_driver(access, driver, &target));
    require(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG));
    require(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST));
    // Metadata reaches the disk at a flush only: between two, a killed run leaves the state of the first. It is small: 64 chunks a node.
    H5AC_cache_config_t cache{};
    cache.version = H5AC__CURR_CACHE_CONFIG_VERSION;
    require(H5Pget_mdc_config(access, &cache));
    cache.evictions_enabled = false;
    cache.incr_mode = H5C_incr__off;
    cache.flash_incr_mode = H5C_flash_incr__off;
    cache.decr_mode = H5C_decr__off;
    require(H5Pset_mdc_config(access, &cache));
    const Hdf5Id creation = own(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    require(H5Pset_obj_track_times(creation, false));
    // Space that is freed stays unused, for the same reason as in driver_free.
    require(H5Pset_file_space_strategy(creation, H5F_FSPACE_STRATEGY_AGGR, false, 1));
    file = own(H5Fcreate(part_path.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose);
  }

  // The writer thread.

  void write_blocks() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) {
        return;
      }
      ColumnGroup::State& group = *queue.front();
      if (!failure) {
        lock.unlock();
        std::exception_ptr problem;
        try {
          const auto library = hdf5_lock();
          write_block(group);
          if (group.written % (blocks_between_flushes * block_rows) == 0) {
            flush();
          }
        } catch (...) {
          problem = std::current_exception();
        }
        lock.lock();
        if (problem && !failure) {
          failure = problem;
        }
      }
      queue.pop_front();
      group.in_flight = false;
      changed.notify_all();
    }
  }

  void stop_writer() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
      changed.notify_all();
    }
    if (writer.joinable()) {
      writer.join();
    }
  }

  /// Waits until all blocks handed over are written; throws what went wrong so far.
  void drain() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return queue.empty(); });
    if (failure) {
      std::rethrow_exception(failure);
    }
    if (committed || file < 0) {
      throw std::logic_error("the results file '" + final_path.string() + "' is closed");
    }
  }

  /// Runs HDF5 calls once the writer is idle; what they throw is final.
  template <class Body>
  void call(Body&& body) {
    drain();
    const auto library = hdf5_lock();
    try {
      body();
      check(true);
    } catch (const WorldError&) {
      const std::lock_guard lock(mutex);
      failure = std::current_exception();
      throw;
    }
  }

  /// A full block of the group, and now and then what the others have.
  void hand_over_full(ColumnGroup::State& group) {
    if (++full_blocks % blocks_between_full_flushes == 0) {
      for (const auto& other : groups) {
        if (other.get() != &group) {
          hand_over(*other);
        }
      }
    }
    hand_over(group);
  }

  /// A full block, or a copy of what there is of one.
  void hand_over(ColumnGroup::State& group) {
    if (group.fill.rows == group.handed_over_too) {
      return;
    }
    check_complete(group);
    std::unique_lock lock(mutex);
    changed.wait(lock, [&group] { return !group.in_flight; });
    if (failure) {
      std::rethrow_exception(failure);
    }
    if (group.finished) {
      throw std::logic_error("a row for the finished columns " + group.path);
    }
    if (!writer.joinable()) {
      try {
        writer = std::thread([this] { write_blocks(); });
      } catch (const std::system_error& error) {
        fail(std::string("no thread to write with: ") + error.what());
      }
    }
    take_block(group);
    group.in_flight = true;
    queue.push_back(&group);
    changed.notify_all();
  }

  static void check_complete(const ColumnGroup::State& group) {
    for (std::size_t i = 0; i < group.columns.size(); ++i) {
      if (!group.columns[i]->complete()) {
        throw std::logic_error("column " + group.path + "/" + group.specs[i].name + " did not get one value in each row");
      }
    }
  }

  static void take_block(ColumnGroup::State& group) {
    const bool full = group.fill.rows == block_rows;
    for (const auto& column : group.columns) {
      full ? column->swap() : column->copy();
    }
    group.writing_from = group.handed_over;
    group.writing_rows = group.handed_over_too = group.fill.rows;
    if (full) {
      group.handed_over += block_rows;
      group.handed_over_too = group.fill.rows = 0;
    }
  }

  void finish(ColumnGroup::State& group) {
    if (group.finished) {
      return;
    }
    check_complete(group);
    call([&] {
      if (group.datasets.empty()) {
        create_columns(group, false);
      }
      if (group.fill.rows > group.handed_over_too) {
        take_block(group);
        write_block(group);
      }
      group.datasets.clear();
    });
    group.finished = true;
    group.handed_over += std::exchange(group.fill.rows, 0);
    group.handed_over_too = 0;
    group.fill.limit = 0;
    for (const auto& column : group.columns) {
      column->release();
    }
  }

  // What follows calls HDF5: the lock is held and the writer idle, or it is the writer.

  /// Those of a group that does not grow are as long as what it has.
  void create_columns(ColumnGroup::State& group, bool grows) {
    const hsize_t chunk = grows ? block_rows : group.fill.rows;
    const hsize_t now = grows ? 0 : chunk;
    const hsize_t most = grows ? H5S_UNLIMITED : chunk;
    group.grows = grows;
    group.chunk = chunk;
    for (const ColumnSpec& spec : group.specs) {
      const Hdf5Id space = own(H5Screate_simple(1, &now, &most), H5Sclose);
      const Types types = types_of(spec.type);
      const Packing packing = chunk * types.width < compress_from ? Packing::none
                              : is_float(spec.type)               ? Packing::plain_chunks
                                                                  : Packing::few_bits;
      group.datasets.push_back(
          create_dataset(group.path + "/" + spec.name, types.file, space, spec.unit, spec.description, packing, chunk));
      for (const auto& [name, value] : {std::pair("coding", &spec.coding), std::pair("names", &spec.names)}) {
        if (!value->empty()) {
          write_string_attribute(group.datasets.back(), name, *value);
        }
      }
    }
  }

  void write_block(ColumnGroup::State& group) {
    if (group.datasets.empty()) {
      create_columns(group, true);
    }
    const hsize_t start = group.writing_from;
    const hsize_t count = group.writing_rows;
    const hsize_t size = start + count;
    const Hdf5Id memory = own(H5Screate_simple(1, &count, nullptr), H5Sclose);
    for (std::size_t i = 0; i < group.specs.size(); ++i) {
      const Hdf5Id& dataset = group.datasets[i];
      const ColumnType type = group.specs[i].type;
      const std::size_t width = group.columns[i]->width();
      const std::byte* values = group.columns[i]->writing();
      if (group.grows) {
        require(H5Dset_extent(dataset, &size));
      }
      if (!is_float(type) && group.chunk * width >= compress_from) {
        const std::span<const std::byte> packed = packer.pack(values, count, width, is_signed(type), group.chunk);
        require(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &start, packed.size(), packed.data()));
        continue;
      }
      if (is_float(type) && all_zero(values, count * width)) {
        continue;
      }
      const Hdf5Id space = own(H5Dget_space(dataset), H5Sclose);
      require(H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &count, nullptr));
      require(H5Dwrite(dataset, types_of(type).memory, memory, space, H5P_DEFAULT, values));
    }
    group.written = size;
  }

  void flush() {
    require(H5Fflush(file, H5F_SCOPE_LOCAL));
    publish(*sink);
    check(true);
  }

  void make_group(const std::string& path) {
    if (path.empty() || path.front() != '/') {
      throw std::logic_error("a path in a results file begins with '/': " + path);
    }
    if (path == "/") {
      return;
    }
    // Level by level: groups that HDF5 creates on the way would not get our properties.
    const Hdf5Id creation = own(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
    require(H5Pset_obj_track_times(creation, false));
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
      const std::string part = path.substr(0, end);
      const htri_t exists = H5Lexists(file, part.c_str(), H5P_DEFAULT);
      require(exists);
      if (exists == 0) {
        own(H5Gcreate2(file, part.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT), H5Gclose);
      }
      if (end == std::string::npos) {
        return;
      }
    }
  }

  void make_parent(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    make_group(slash == std::string::npos ? path : slash == 0 ? "/" : path.substr(0, slash));
  }

  /// How values stand on disk.
  enum class Packing : std::uint8_t { none, deflated_chunks, plain_chunks, few_bits };

  Hdf5Id create_dataset(const std::string& path, hid_t type, hid_t space, std::string_view unit, std::string_view description,
                        Packing packing = Packing::none, hsize_t chunk = 0) {
    make_parent(path);
    const Hdf5Id creation = own(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    const Hdf5Id access = own(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
    require(H5Pset_obj_track_times(creation, false));
    if (packing != Packing::none) {
      require(H5Pset_chunk(creation, 1, &chunk));
      if (packing == Packing::deflated_chunks) {
        require(H5Pset_shuffle(creation));
        require(H5Pset_deflate(creation, deflate_level));
      }
      if (packing == Packing::few_bits) {
        // Without a fill value, for which the filter would reserve a number: then a chunk of equal values takes no bits.
        require(H5Pset_fill_value(creation, type, nullptr));
        require(H5Pset_scaleoffset(creation, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT));
      }
      // We write whole chunks: a cache would only keep each in memory.
      require(H5Pset_chunk_cache(access, 0, 0, 1.0));
    }
    Hdf5Id dataset = own(H5Dcreate2(file, path.c_str(), type, space, H5P_DEFAULT, creation, access), H5Dclose);
    write_string_attribute(dataset, "unit", checked_text(unit));
    write_string_attribute(dataset, "description", checked_text(description));
    return dataset;
  }

  void write_dataset(const std::string& path, const Types& types, std::size_t count, const void* values, std::string_view unit,
                     std::string_view description) {
    const hsize_t size = count;
    const Hdf5Id space = own(H5Screate_simple(1, &size, nullptr), H5Sclose);
    const Packing packing = count * types.width < compress_from ? Packing::none : Packing::deflated_chunks;
    const Hdf5Id dataset = create_dataset(path, types.file, space, unit, description, packing, std::min(count, deflate_rows));
    if (count > 0) {
      require(H5Dwrite(dataset, types.memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
    }
  }

  void write_strings(hid_t dataset, hid_t type, const char* const* strings, std::size_t count) const {
    // By default HDF5 clears a megabyte for each conversion.
    const Hdf5Id transfer = own(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
    require(H5Pset_buffer(transfer, std::min<std::size_t>(1 << 20, 64 * count), nullptr, nullptr));
    require(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, transfer, strings));
  }

  Hdf5Id string_type() const {
    Hdf5Id type = own(H5Tcopy(H5T_C_S1), H5Tclose);
    require(H5Tset_size(type, H5T_VARIABLE));
    require(H5Tset_cset(type, H5T_CSET_UTF8));
    return type;
  }

  void write_attribute(hid_t object, const std::string& name, hid_t file_type, hid_t memory_type, const void* value) const {
    const htri_t exists = H5Aexists(object, name.c_str());
    require(exists);
    if (exists > 0) {
      require(H5Adelete(object, name.c_str()));
    }
    const Hdf5Id space = own(H5Screate(H5S_SCALAR), H5Sclose);
    const Hdf5Id attribute = own(H5Acreate2(object, name.c_str(), file_type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    require(H5Awrite(attribute, memory_type, value));
  }

  void write_string_attribute(hid_t object, const std::string& name, const std::string& value) const {
    const Hdf5Id type = string_type();
    const char* text = value.c_str();
    write_attribute(object, name, type, type, &text);
  }

  void close_quietly() {
    if (file < 0) {
      return;
    }
    const auto library = hdf5_lock();
    for (const auto& group : groups) {
      group->datasets.clear();
    }
    if (H5Fclose(file.release()) < 0) {
      // HDF5 may still hold the driver's file: let it keep a sink that writes nothing.
      sink->error = sink->error != 0 ? sink->error : EIO;
      ::close(std::exchange(sink->fd, -1));
      static_cast<void>(sink.release());
    }
  }
};

ResultsFile::ResultsFile(std::filesystem::path final_path) : state_(std::make_unique<State>(std::move(final_path))) { state_->open(); }

ResultsFile::~ResultsFile() = default;

const std::filesystem::path& ResultsFile::final_path() const { return state_->final_path; }

const std::filesystem::path& ResultsFile::part_path() const { return state_->part_path; }

void ResultsFile::flush() {
  for (const auto& group : state_->groups) {
    state_->hand_over(*group);
  }
  state_->call([this] { state_->flush(); });
}

void ResultsFile::commit() { commit_as(state_->final_path); }

void ResultsFile::commit_incomplete() { commit_as(incomplete_name(state_->final_path)); }

void ResultsFile::commit_as(const std::filesystem::path& name) {
  State& state = *state_;
  for (const auto& group : state.groups) {
    state.finish(*group);
  }
  state.call([&state] { state.flush(); });
  state.stop_writer();
  state.close_quietly();
  if (!state.sink) {
    state.fail("HDF5 could not close it");
  }
  publish(*state.sink);
  state.check(true);
  // Network file systems report what did not fit at a close; this one keeps our lock.
  const int copy = ::dup(state.sink->fd);
  if (copy < 0 || ::close(copy) != 0) {
    state.fail(message_of(errno));
  }
  std::error_code error;
  std::filesystem::rename(state.part_path, name, error);
  if (error) {
    throw WorldError("cannot rename '" + state.part_path.string() + "' to '" + name.string() + "': " + error.message());
  }
  state.committed = true;
  ::close(std::exchange(state.sink->fd, -1));
}

void ResultsFile::group(const std::string& path) {
  state_->call([&] { state_->make_group(path); });
}

void ResultsFile::string_attribute(const std::string& object, const std::string& name, std::string_view value) {
  const std::string text = checked_text(value);
  state_->call([&] {
    const Hdf5Id target = state_->own(H5Oopen(state_->file, object.c_str(), H5P_DEFAULT), H5Oclose);
    state_->write_string_attribute(target, name, text);
  });
}

void ResultsFile::number_attribute(const std::string& object, const std::string& name, ColumnType type, const void* value) {
  state_->call([&] {
    const Hdf5Id target = state_->own(H5Oopen(state_->file, object.c_str(), H5P_DEFAULT), H5Oclose);
    const Types types = types_of(type);
    state_->write_attribute(target, name, types.file, types.memory, value);
  });
}

void ResultsFile::text(const std::string& path, std::string_view content, std::string_view description) {
  const std::string copy = checked_text(content);
  state_->call([&] {
    const Hdf5Id type = state_->string_type();
    const Hdf5Id space = state_->own(H5Screate(H5S_SCALAR), H5Sclose);
    const Hdf5Id dataset = state_->create_dataset(path, type, space, "", description);
    const char* pointer = copy.c_str();
    state_->write_strings(dataset, type, &pointer, 1);
  });
}

void ResultsFile::dataset(const std::string& path, std::span<const double> values, std::string_view unit, std::string_view description) {
  state_->call([&] { state_->write_dataset(path, types_of(ColumnType::float64), values.size(), values.data(), unit, description); });
}

void ResultsFile::dataset(const std::string& path, std::span<const std::int64_t> values, std::string_view unit,
                          std::string_view description) {
  state_->call([&] { state_->write_dataset(path, types_of(ColumnType::int64), values.size(), values.data(), unit, description); });
}

void ResultsFile::dataset(const std::string& path, std::span<const std::uint64_t> values, std::string_view unit,
                          std::string_view description) {
  state_->call([&] { state_->write_dataset(path, types_of(ColumnType::uint64), values.size(), values.data(), unit, description); });
}

void ResultsFile::dataset(const std::string& path, std::span<const std::uint32_t> values, std::string_view unit,
                          std::string_view description) {
  state_->call([&] { state_->write_dataset(path, types_of(ColumnType::uint32), values.size(), values.data(), unit, description); });
}

void ResultsFile::dataset(const std::string& path, std::span<const std::uint16_t> values, std::string_view unit,
                          std::string_view description) {
  state_->call([&] { state_->write_dataset(path, types_of(ColumnType::uint16), values.size(), values.data(), unit, description); });
}

void ResultsFile::dataset(const std::string& path, std::span<const std::uint8_t> values, std::string_view unit,
                          std::string_view description) {
  state_->call([&] { state_->write_dataset(path, types_of(ColumnType::uint8), values.size(), values.data(), unit, description); });
}

void ResultsFile::dataset(const std::string& path, std::span<const std::string> values, std::string_view unit,
                          std::string_view description) {
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const std::string& value : values) {
    if (value.find('\0') != std::string::npos) {
      throw std::logic_error("a string for " + path + " contains NUL");
    }
    pointers.push_back(value.c_str());
  }
  state_->call([&] {
    const Hdf5Id type = state_->string_type();
    const hsize_t size = pointers.size();
    const Hdf5Id space = state_->own(H5Screate_simple(1, &size, nullptr), H5Sclose);
    const Hdf5Id dataset = state_->create_dataset(path, type, space, unit, description);
    if (size > 0) {
      state_->write_strings(dataset, type, pointers.data(), pointers.size());
    }
  });
}

ColumnGroup::ColumnGroup(ResultsFile& file, const std::string& path, std::vector<ColumnSpec> columns) : file_(file.state_.get()) {
  file.group(path);
  auto state = std::make_unique<State>();
  state->path = path == "/" ? "" : path;
  state->specs = std::move(columns);
  state->fill.limit = block_rows;
  for (const ColumnSpec& spec : state->specs) {
    state->columns.push_back(make_column(spec.type, state->fill));
  }
  std::string order;
  for (const ColumnSpec& spec : state->specs) {
    order += (order.empty() ? "" : ",") + spec.name;
  }
  file.attribute(path, "columns", order);
  state_ = state.get();
  fill_ = &state->fill;
  file_->groups.push_back(std::move(state));
}

ColumnBuffer& ColumnGroup::find(std::string_view name, ColumnType type) {
  for (std::size_t i = 0; i < state_->specs.size(); ++i) {
    if (state_->specs[i].name == name) {
      if (state_->specs[i].type != type) {
        throw std::logic_error("column " + state_->path + "/" + state_->specs[i].name + " holds another type");
      }
      return *state_->columns[i];
    }
  }
  throw std::logic_error("no column " + state_->path + "/" + std::string(name));
}

void ColumnGroup::hand_over() { file_->hand_over_full(*state_); }

void ColumnGroup::finish() { file_->finish(*state_); }

std::uint64_t ColumnGroup::rows() const { return state_->handed_over + state_->fill.rows; }

}  // namespace tideline
