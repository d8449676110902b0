// SPDX-License-Identifier: GPL-2.0
// The subcommands. Each add_ function declares its options and help, and stores what
// to do into `action` when the command line asks for it.
#pragma once

#include <functional>

namespace CLI
{
class App;
}

namespace xenmm
{

using Action = std::function<void()>;

void add_info(CLI::App &app, Action &action);
void add_stat(CLI::App &app, Action &action);
void add_stats(CLI::App &app, Action &action);
void add_bench(CLI::App &app, Action &action);
void add_calibrate(CLI::App &app, Action &action);
void add_compare(CLI::App &app, Action &action);
void add_doctor(CLI::App &app, Action &action);
void add_export(CLI::App &app, Action &action);
void add_plot(CLI::App &app, Action &action);
void add_processes(CLI::App &app, Action &action);
void add_record(CLI::App &app, Action &action);
void add_replay(CLI::App &app, Action &action);
void add_report(CLI::App &app, Action &action);
void add_top(CLI::App &app, Action &action);

} // namespace xenmm
