// A list in a message. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "shared/cpp_only.hpp"

namespace pgclone {

// Items with commas between them, as many as fit (ErrorRecord is bounded), and how many more there are.
class BoundedList {
  public:
    void add(const std::string& item)
    {
        count_++;
        if (text_.size() < longest_text)
            text_ += (text_.empty() ? "" : ", ") + item;
        else
            left_out_++;
    }
    std::string text() const
    {
        return left_out_ == 0 ? text_ : text_ + " and " + std::to_string(left_out_) + " more";
    }
    bool empty() const { return count_ == 0; }
    std::size_t count() const { return count_; }

  private:
    static constexpr std::size_t longest_text = 700; // bytes, after which nothing is added

    std::string text_;
    std::size_t count_ = 0;
    std::size_t left_out_ = 0;
};

} // namespace pgclone
