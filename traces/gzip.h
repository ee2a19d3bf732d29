// Files that are compressed with gzip, read as if they were not.
#pragma once

#include <iosfwd>
#include <memory>

namespace tideline {

/// `in` itself, or what it unpacks to where it begins as gzip (RFC 1952) does; several members one after the other are one text, as
/// `cat a.gz b.gz` makes them. 96 KiB of memory. Reading throws `SourceError` where the data end early or are damaged.
std::unique_ptr<std::istream> unpacked(std::unique_ptr<std::istream> in);

}  // namespace tideline
