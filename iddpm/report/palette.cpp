#include "iddpm/report/palette.h"

#include <fmt/format.h>

namespace iddpm {
namespace {

constexpr Rgb kLightSeries[kPaletteSize] = {
    {0, 114, 178},    // blue
    {213, 94, 0},     // vermilion
    {0, 158, 115},    // bluish green
    {204, 121, 167},  // reddish purple
    {230, 159, 0},    // orange
    {86, 180, 233},   // sky blue
    {34, 34, 34},     // black
    {240, 228, 66},   // yellow
};

constexpr Rgb kDarkSeries[kPaletteSize] = {
    {62, 160, 222}, {236, 122, 42},  {30, 186, 143},  {214, 142, 182},
    {238, 176, 40}, {140, 206, 244}, {236, 236, 236}, {240, 228, 66},
};

int series_index(Paint paint) { return (paint.series % kPaletteSize + kPaletteSize) % kPaletteSize; }

}  // namespace

Rgb light_color(Paint paint) {
  switch (paint.role) {
    case Role::background:
      return {255, 255, 255};
    case Role::ink:
      return {34, 34, 34};
    case Role::muted:
      return {92, 92, 92};
    case Role::grid:
      return {228, 228, 228};
    case Role::series:
      break;
  }
  return kLightSeries[series_index(paint)];
}

Rgb dark_color(Paint paint) {
  switch (paint.role) {
    case Role::background:
      return {27, 29, 32};
    case Role::ink:
      return {232, 232, 232};
    case Role::muted:
      return {168, 168, 168};
    case Role::grid:
      return {56, 59, 64};
    case Role::series:
      break;
  }
  return kDarkSeries[series_index(paint)];
}

std::string hex_color(Rgb color) { return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue); }

std::string css_variable(Paint paint) {
  switch (paint.role) {
    case Role::background:
      return "--plot-background";
    case Role::ink:
      return "--plot-ink";
    case Role::muted:
      return "--plot-muted";
    case Role::grid:
      return "--plot-grid";
    case Role::series:
      break;
  }
  return fmt::format("--plot-series-{}", series_index(paint));
}

}  // namespace iddpm
