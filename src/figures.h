// Figures as people read them: four digits and a unit.
#pragma once

#include <string>

namespace tideline::figure {

std::string plain(double x);
std::string percent(double share);
std::string count(double x);
std::string rate(double per_s);
std::string accuracy(double x);
std::string time(double s);
std::string dollars(double usd);
std::string energy(double j);
std::string bytes(double n);

}  // namespace tideline::figure
